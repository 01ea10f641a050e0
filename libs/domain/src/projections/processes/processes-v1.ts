/*
 * Of heartbeats, before there was a table of them: stays until nobody is served builds of it.
 *
 * The last heartbeat of each process, by `host:name:pid`. "Last" is by the log and not by `at` or `beat`: those come
 * from a clock that is set back and a counter that starts again, while all heartbeats of one key lie in one
 * partition, whose order every reader and every rebuild sees alike.
 *
 * Nor is `startedAt` compared: it comes from a clock too, and a reporter that computes it a little smaller after its
 * own restart would freeze every process it reports.
 */
import { processKeyOf } from '../../processes/heartbeat.ts'
import { defineProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'

type HeartbeatDocument = {
  /** `host:name:pid` */
  readonly key: string
  readonly host: string
  readonly name: string
  readonly pid: number
  readonly startedAt: number
  readonly lastSeenAt: number
  readonly beat: number
  readonly cpu: number
  readonly rss: number
}

const evolve = (
  _before: HeartbeatDocument | null,
  { data, occurredAt }: ProjectedEvent<'HeartbeatReceived'>,
): HeartbeatDocument => {
  const { host, name, pid, startedAt, beat, cpu, rss } = data
  return { key: processKeyOf(data), host, name, pid, startedAt, lastSeenAt: occurredAt, beat, cpu, rss }
}

export const processesV1 = defineProjection({
  name: 'processes',
  version: 'v1',
  sources: ['heartbeat.received'],
  events: ['HeartbeatReceived'],
  evolve,
  indexes: [
    { lastSeenAt: 1 },
    { host: 1, lastSeenAt: 1 },
    { name: 1, lastSeenAt: 1 },
    { cpu: 1 },
    { rss: 1 },
  ],
  filters: {
    host: { field: 'host', operator: 'eq', type: 'string' },
    name: { field: 'name', operator: 'eq', type: 'string' },
    lastSeenAtFrom: { field: 'lastSeenAt', operator: 'gte', type: 'time' },
    lastSeenAtTo: { field: 'lastSeenAt', operator: 'lt', type: 'time' },
  },
  sorts: {
    lastSeenAt: { field: 'lastSeenAt', type: 'time' },
    cpu: { field: 'cpu', type: 'number' },
    rss: { field: 'rss', type: 'number' },
  },
})
