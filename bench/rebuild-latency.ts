// How long an event takes, from when it is sent until the served build has it, while the same process does nothing else or
// builds the read model anew beside it.

import { setTimeout as sleep } from 'node:timers/promises'
import { buildName, mongoProjectionStore } from '@millrace/mongo'
import { feed } from './feed.ts'
import { quantile, type Measured } from './measure.ts'
import { EVENTS_PER_ORDER, type EventPlace, type OrderLog } from './order-log.ts'
import { atPace } from './pace.ts'
import { dropBuild, projectionNamed, watched, type OnCommit, type ProjectorRig } from './projection-run.ts'

const summary = projectionNamed('order-summary')

const LIVE = { perSecond: 200, seconds: 8 } as const
/** Of the orders that come while it is measured: behind all that the log has. */
const FIRST_ORDER = 100_000_000
const LOOK_EVERY_MS = 100
const POLL_MS = 20

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await sleep(POLL_MS)
}

const nameOf = ({ partition, sequence }: EventPlace): string => `${partition}/${sequence}`

/** When each event should have been sent, until it is in the build. */
const makeArrivals = (build: string) => {
  const due = new Map<string, number>()
  let latenciesMs: number[] = []
  const onCommit: OnCommit = ({ projection, partition }, { from, to }) => {
    if (projection !== build) return
    const now = performance.now()
    for (let sequence = from.lastSequence + 1; sequence <= to.lastSequence; sequence++) {
      const place = nameOf({ partition, sequence })
      const dueMs = due.get(place)
      if (dueMs !== undefined) latenciesMs.push(now - dueMs)
      due.delete(place)
    }
  }
  return {
    onCommit,
    expect: (place: EventPlace, dueMs: number) => void due.set(nameOf(place), dueMs),
    /** Of all that was expected. */
    take: async (): Promise<number[]> => {
      await until(() => due.size === 0)
      const taken = latenciesMs
      latenciesMs = []
      return taken
    },
  }
}

export type LiveLatency = {
  /** Seconds at the 99th percentile. */
  readonly alone: Measured
  readonly whileBuilding: Measured
  close(): Promise<void>
}

/** `served` has the whole log already. */
export const startLive = async (rig: ProjectorRig, log: OrderLog, served: string): Promise<LiveLatency> => {
  const arrivals = makeArrivals(buildName(summary.name, served))
  const begun = new Set<string>()
  const builds = [served]
  const store = watched(mongoProjectionStore(rig.mongo), {
    onCommit: (id, batch) => {
      arrivals.onCommit(id, batch)
      begun.add(id.projection)
    },
  })
  const feeding = await feed(rig, {
    projections: [summary],
    store,
    builds: () => builds,
    served,
    lookEveryMs: LOOK_EVERY_MS,
  })
  let sent = 0
  const p99 = async (): Promise<number> => {
    await atPace(LIVE, (_, dueMs) => {
      const order = FIRST_ORDER + Math.floor(sent / EVENTS_PER_ORDER)
      const placed = log.append(order, sent++ % EVENTS_PER_ORDER)
      arrivals.expect(placed, dueMs)
      return placed.sent
    })
    return quantile(await arrivals.take(), 0.99) / 1000
  }
  const whileBuilding: Measured = async (round) => {
    const built = `${served}.${round + 1000}`
    const name = buildName(summary.name, built)
    builds.push(built)
    await until(() => begun.has(name))
    const seconds = await p99()
    builds.pop()
    await until(() => feeding.consumers().length === 1)
    await dropBuild(rig, name)
    return seconds
  }
  return { alone: p99, whileBuilding, close: () => feeding.stop() }
}
