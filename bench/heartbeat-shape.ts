import type { HeartbeatBody } from '@millrace/domain'

const MACHINES = 100
const EVERY_MS = 2_000
const STARTED_AT = Date.UTC(2026, 0, 1)

/** What agents send: all processes once, then all once more, and so on; 100 machines have them. */
export const heartbeatOf = (index: number, processes: number): HeartbeatBody => {
  const process = index % processes
  const beat = Math.floor(index / processes) + 1
  return {
    host: `machine-${process % MACHINES}.example`,
    name: 'order-worker',
    pid: 10_000 + process,
    startedAt: STARTED_AT + process,
    at: STARTED_AT + process + beat * EVERY_MS,
    beat,
    cpu: ((process + beat) % 1_000) / 10,
    rss: 80_000_000 + ((process * 31 + beat) % 10_000) * 4_096,
  }
}
