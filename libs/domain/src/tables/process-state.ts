/*
 * What is known of each process, by `host:name:pid`:
 *
 *      first beat            second beat             no beat for 15 s          60 s             6 min
 *   ─────────────► started ─────────────► alive ─────────────────────► stale ───────► gone ───────► forgotten
 *                     └──────────── no beat for 15 s ────────────────────┘
 *                                           ▲─────────── a beat ─────────┴──────────────┘
 *
 * All by the topic's clock: the times in a heartbeat are the reporter's, whose clock may be wrong, and order nothing.
 * A pid is used again: a heartbeat with another start is of another process, which has just started. Reporters compute
 * the start from clocks, so that a little does not tell processes apart.
 */
import type { ProcessState, ProcessStatus } from '@millrace/events'
import { defineTable } from './define-table.ts'

export type ProcessStateDocument = ProcessState & {
  /** The topic's time of the newest heartbeat: what its silence is counted from. */
  readonly heardAt: number
}

/** Agents send every two seconds. One that sends less often than this is stale between its beats. */
const STALE_AFTER_MS = 15_000
const GONE_AFTER_MS = 60_000
/** For so long everybody can see that it is gone. */
const FORGOTTEN_AFTER_MS = 360_000
const SAME_START_MS = 2_000

const isSameProcess = (state: ProcessStateDocument, startedAt: number): boolean =>
  Math.abs(state.startedAt - startedAt) <= SAME_START_MS

const withStatus = (state: ProcessStateDocument, status: ProcessStatus): ProcessStateDocument =>
  state.status === status ? state : { ...state, status }

export const processState = defineTable({
  name: 'process-state',
  version: 'v1',
  source: 'heartbeat.received',
  topic: 'process.state',
  category: 'processes.process',
  changelog: 'processes',
  events: ['HeartbeatReceived'],

  evolve: (state: ProcessStateDocument | null, { data }, clockMs): ProcessStateDocument => {
    const { host, name, pid, startedAt, at, beat, cpu, rss } = data
    const status = state && isSameProcess(state, startedAt) ? 'alive' : 'started'
    return { host, name, pid, startedAt, status, lastSeenAt: at, beat, cpu, rss, heardAt: clockMs }
  },

  at: (state, clockMs) => {
    const silentMs = clockMs - state.heardAt
    if (silentMs >= FORGOTTEN_AFTER_MS) return null
    if (silentMs >= GONE_AFTER_MS) return withStatus(state, 'gone')
    return silentMs >= STALE_AFTER_MS ? withStatus(state, 'stale') : state
  },

  changesAt: ({ status, heardAt }) => {
    switch (status) {
      case 'started':
      case 'alive':
        return heardAt + STALE_AFTER_MS
      case 'stale':
        return heardAt + GONE_AFTER_MS
      case 'gone':
        return heardAt + FORGOTTEN_AFTER_MS
    }
  },

  publish: ({ heardAt: _, ...data }) => ({ type: 'ProcessState', data }),

  snapshots: 'process.state.snapshot',
  snapshot: (entry) => ({ type: 'ProcessStateSnapshot', data: entry }),
})
