// Processes of one machine and those who report them. Processes fall silent for so long that they are stale, gone or
// forgotten, come back as they were, or their pid comes back as another process. Each has one reporter at a time, which
// sends its next heartbeat when the last one was taken, and goes over to another one now and then. One of the reporters has
// a clock that is ten minutes ahead: what it says of times is wrong, and nothing may be put in order by it.

import { randomInt } from 'node:crypto'
import { processKeyOf, type HeartbeatBody } from '@millrace/domain'
import { toMessageKey } from '@millrace/events'
import { pause } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { httpClient } from '../../support/http-client.ts'
import type { Pair } from './replica.ts'

export type Fleet = {
  /** Heartbeats that were taken, and those of them that a wrong clock has made. */
  sent(): { readonly all: number; readonly ahead: number }
  /** Of each process the last heartbeat that was taken, by message key. */
  told(): ReadonlyMap<string, HeartbeatBody>
  /** What could not be delivered. */
  stop(): Promise<readonly string[]>
}

const PROCESSES = 200
/** Silent from their youth on: they are forgotten where a campaign lasts for longer than that takes. */
const SHORT_LIVED = 20
const BEAT_EVERY_MS = 2_000
const AHEAD_MS = 600_000
const CLOCKS_AHEAD_MS = [0, 0, 0, AHEAD_MS] as const
/** Until stale, gone and forgotten, and a bit; the shorter ones are more frequent. */
const SILENCES_MS = [20_000, 20_000, 20_000, 75_000, 75_000, 400_000] as const
/** One heartbeat in so many is the last for a while. */
const SILENT_AFTER = 100
const OTHER_REPORTER_AFTER = 20
const PATIENCE = { timeoutMs: 120_000, everyMs: 200 }

type Process = {
  readonly pid: number
  startedAt: number
  beat: number
  reporter: number
  silentUntilMs: number
}

/** Of a process, what all of its reporters say alike, whatever their clocks: not when it started, but which start it is. */
export const startOf = (startedAt: number): number => startedAt % AHEAD_MS

const isOneIn = (many: number): boolean => randomInt(many) === 0

const pick = <T>(list: readonly T[]): T => list[randomInt(list.length)] as T

const startProcess = (pid: number): Process => ({
  pid,
  startedAt: Date.now() - randomInt(3_600_000),
  beat: 0,
  reporter: randomInt(CLOCKS_AHEAD_MS.length),
  silentUntilMs: 0,
})

const beat = (process: Process, aheadMs: number): HeartbeatBody => {
  process.beat += 1
  return {
    ...{ host: 'm-1', name: 'node', pid: process.pid, beat: process.beat },
    startedAt: process.startedAt + aheadMs,
    at: Date.now() + aheadMs,
    ...{ cpu: randomInt(100), rss: randomInt(1_000_000_000) },
  }
}

/** What becomes of a process that was just heard. */
const liveOn = (process: Process): void => {
  const isShortLived = process.pid < SHORT_LIVED && process.beat === 3
  if (isOneIn(OTHER_REPORTER_AFTER)) process.reporter = randomInt(CLOCKS_AHEAD_MS.length)
  if (!isShortLived && !isOneIn(SILENT_AFTER)) return
  process.silentUntilMs = Date.now() + (isShortLived ? Math.max(...SILENCES_MS) : pick(SILENCES_MS))
  if (isOneIn(2)) return
  process.startedAt = process.silentUntilMs
  process.beat = 0
}

const keyOf = (heartbeat: HeartbeatBody): string =>
  toMessageKey({ tenant: 'demo', key: processKeyOf(heartbeat) })

export const openFleet = ({ replicas }: Pair): Fleet => {
  const clients = replicas.map(({ process }) => httpClient(process().url))
  const processes = Array.from({ length: PROCESSES }, (_, pid) => startProcess(pid))
  const told = new Map<string, HeartbeatBody>()
  const faults: string[] = []
  const stopping = new AbortController()
  const sent = { all: 0, ahead: 0 }

  const send = async (reporter: number, heartbeats: readonly HeartbeatBody[]): Promise<void> => {
    const client = clients[reporter % clients.length]
    await eventually(
      () =>
        client?.send({
          method: 'POST',
          path: '/heartbeats',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(heartbeats),
        }),
      (answer) => answer?.status === 202,
      PATIENCE,
    )
    sent.all += heartbeats.length
    if (CLOCKS_AHEAD_MS[reporter] === AHEAD_MS) sent.ahead += heartbeats.length
    for (const heartbeat of heartbeats) told.set(keyOf(heartbeat), heartbeat)
  }

  const report = async (aheadMs: number, reporter: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      const heard = processes.filter(
        (process) => process.reporter === reporter && process.silentUntilMs <= Date.now(),
      )
      if (heard.length > 0)
        await send(
          reporter,
          heard.map((process) => beat(process, aheadMs)),
        )
      heard.forEach(liveOn)
      await pause(BEAT_EVERY_MS, stopping.signal)
    }
  }

  const reporting = CLOCKS_AHEAD_MS.map((aheadMs, reporter) =>
    report(aheadMs, reporter).catch((error: unknown) =>
      faults.push(`reporter ${reporter}: ${String(error)}`),
    ),
  )
  return {
    sent: () => ({ ...sent }),
    told: () => told,
    stop: async () => {
      stopping.abort()
      await Promise.all(reporting)
      await Promise.all(clients.map((client) => client.close()))
      return faults
    },
  }
}

/** What was taken, and is not the last of its process in the log. */
export const toldFaults = (
  told: ReadonlyMap<string, HeartbeatBody>,
  heard: ReadonlyMap<string, HeartbeatBody>,
): string[] =>
  [...told]
    .filter(([key, { at }]) => heard.get(key)?.at !== at)
    .map(
      ([key, last]) =>
        `${key}: taken was ${JSON.stringify(last)}, the log ends with ${JSON.stringify(heard.get(key))}`,
    )
