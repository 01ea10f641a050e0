import { describe, it } from '@jest/globals'

import type { HeartbeatReceived } from '@millrace/events'
import { processesV1 as processes } from '../../src/projections/processes/processes-v1.ts'
import { RECORDED_AT_MS, givenEvents, heartbeat, recordedStream } from '@millrace/testkit'

const key = 'm-1:node:4711'
const startedAt = heartbeat().data.startedAt

const received = (...beats: Partial<HeartbeatReceived>[]) => recordedStream(beats.map(heartbeat), { key })

const documentOf = (beats: number, of: Partial<HeartbeatReceived>) => {
  const { host, name, pid, beat, cpu, rss, ...data } = heartbeat(of).data
  const lastSeenAt = RECORDED_AT_MS + (beats - 1) * 1000
  return { key, host, name, pid, startedAt: data.startedAt, lastSeenAt, beat, cpu, rss }
}

describe('processes of heartbeats', () => {
  it('knows a process from its first heartbeat', () => {
    givenEvents(processes, received({})).thenDocument(documentOf(1, {}))
  })

  it('keeps the last heartbeat', () => {
    const last = { beat: 2, cpu: 50, rss: 7 }
    givenEvents(processes, received({}, last)).thenDocument(documentOf(2, last))
  })

  it('goes by the log when the clock or the counter of a process runs backwards', () => {
    const setBack = { at: startedAt, beat: 1 }
    givenEvents(processes, received({ at: startedAt + 60_000, beat: 9 }, setBack)).thenDocument(
      documentOf(2, setBack),
    )
  })

  it('forgets the process that had the pid before', () => {
    const next = { startedAt: startedAt + 1, beat: 1 }
    givenEvents(processes, received({ beat: 900 }, next)).thenDocument(documentOf(2, next))
  })

  it('does not freeze a process whose reporter computes its start a little earlier', () => {
    const earlier = { startedAt: startedAt - 1_000, beat: 1 }
    givenEvents(processes, received({ beat: 900 }, earlier)).thenDocument(documentOf(2, earlier))
  })
})
