/*
 * The changelog of `process.state`: the last value of each key, by offset, and none where the last is a tombstone. All that
 * there is to decide the table has decided (tables/process-state.ts).
 */
import type { ProcessState } from '@millrace/events'
import { toChangelogDocument, type ChangelogDocument } from '../../tables/changelog.ts'
import { defineProjection } from '../define-projection.ts'

/** By `host:name:pid`. */
export type ProcessDocument = ChangelogDocument<ProcessState>

export const processes = defineProjection({
  name: 'processes',
  version: 'v2',
  sources: ['process.state'],
  events: ['ProcessState'],
  evolve: (_before: ProcessDocument | null, event) => toChangelogDocument(event),
  indexes: [
    { lastSeenAt: 1 },
    { host: 1, lastSeenAt: 1 },
    { name: 1, lastSeenAt: 1 },
    { status: 1, lastSeenAt: 1 },
    { cpu: 1 },
    { rss: 1 },
  ],
  filters: {
    host: { field: 'host', operator: 'eq', type: 'string' },
    name: { field: 'name', operator: 'eq', type: 'string' },
    status: { field: 'status', operator: 'eq', type: 'enum', values: ['started', 'alive', 'stale', 'gone'] },
    lastSeenAtFrom: { field: 'lastSeenAt', operator: 'gte', type: 'time' },
    lastSeenAtTo: { field: 'lastSeenAt', operator: 'lt', type: 'time' },
  },
  sorts: {
    lastSeenAt: { field: 'lastSeenAt', type: 'time' },
    cpu: { field: 'cpu', type: 'number' },
    rss: { field: 'rss', type: 'number' },
  },
})
