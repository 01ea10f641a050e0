// What must be so of the read models after any fault: each has every event of its topics, no partition has stopped, only
// the keys that were spoilt are parked, and each document is what a fold of the whole log says.

import { topics, type TopicName } from '@millrace/events'
import { mongoPublications } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { verify } from './operator.ts'
import { checkable, type ReadSide } from './read-side.ts'

const CATCH_UP = { timeoutMs: 120_000, everyMs: 250 }

type Lane = {
  readonly _id: { readonly projection: string; readonly topic: string; readonly partition: number }
  readonly lastSequence: number
  readonly stopped?: { readonly reason: string }
}

type Log = ReadonlyMap<string, number>

const placeOf = ({ topic, partition }: { topic: string; partition: number }): string =>
  `${topic}/${partition}`

/** How many events each partition has, by the store. */
const eventsByPlace = async ({ servers }: ReadSide): Promise<Log> => {
  const found = await servers.mongoConnection.db
    .collection('commits')
    .aggregate<{ _id: { topic: string; partition: number }; events: number }>([
      { $match: { events: { $exists: true } } },
      {
        $group: { _id: { topic: '$topic', partition: '$partition' }, events: { $sum: { $size: '$events' } } },
      },
    ])
    .toArray()
  return new Map(found.map(({ _id, events }) => [placeOf(_id), events]))
}

/** Names of the data of all builds, by projection: what readers got before is fed as well. */
const buildsOf = async ({ servers }: ReadSide): Promise<Map<string, string[]>> => {
  const found = await servers.mongoConnection.db
    .collection<{ _id: string; builds: { name: string }[] }>('builds')
    .find()
    .toArray()
  return new Map(found.map(({ _id, builds }) => [_id, builds.map(({ name }) => `${_id}.${name}`)]))
}

/** Partitions that are not where the log ends, or have stopped. */
const behind = async (side: ReadSide, log: Log): Promise<string[]> => {
  const builds = await buildsOf(side)
  const lanes = (await side.servers.mongoConnection.db
    .collection('checkpoints')
    .find()
    .toArray()) as unknown as Lane[]
  const faultOf = (build: string, place: string): string[] => {
    const lane = lanes.find(({ _id }) => _id.projection === build && placeOf(_id) === place)
    const [has, should] = [lane?.lastSequence ?? 0, log.get(place) ?? 0]
    if (lane?.stopped) return [`${build} has stopped at ${place}: ${lane.stopped.reason}`]
    return has === should ? [] : [`${build} has ${has} of ${should} events of ${place}`]
  }
  return checkable.flatMap(({ name, sources }) =>
    (builds.get(name) ?? []).flatMap((build) => placesOf(sources).flatMap((place) => faultOf(build, place))),
  )
}

const placesOf = (sources: readonly TopicName[]): string[] =>
  sources.flatMap((topic) =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => placeOf({ topic, partition })),
  )

const parkedFaults = async (
  { servers }: ReadSide,
  spoilt: readonly string[],
): Promise<{ parked: number; faults: string[] }> => {
  const events = await servers.mongoConnection.db
    .collection<{ projection: string; parkingKey: string | null }>('parkedEvents')
    .find()
    .toArray()
  const keysOf = Map.groupBy(events, ({ projection }) => projection)
  const wrong = events.filter(({ parkingKey }) => !spoilt.includes(parkingKey ?? ''))
  const missing = [...keysOf].flatMap(([build, group]) =>
    spoilt
      .filter((key) => !group.some(({ parkingKey }) => parkingKey === key))
      .map((key) => `${build}: ${key}`),
  )
  return {
    parked: events.length,
    faults: [
      ...wrong.map(({ projection, parkingKey }) => `${projection} has parked ${parkingKey}`),
      ...missing.map((one) => `not parked: ${one}`),
      ...(spoilt.length > 0 && keysOf.size === 0 ? ['nothing is parked'] : []),
    ],
  }
}

export type ReadModelReport = {
  readonly faults: readonly string[]
  readonly events: number
  readonly parked: number
  readonly compared: number
  readonly catchUpMs: number
}

/** Once all that was committed is in Kafka, and what is in Kafka is in the read models. */
export const readModelFaults = async (
  side: ReadSide,
  spoilt: readonly string[],
): Promise<ReadModelReport> => {
  const startedAt = performance.now()
  await eventually(() => mongoPublications(side.servers.mongoConnection).countPending(), isNone, CATCH_UP)
  const log = await eventsByPlace(side)
  const late = await eventually(
    () => behind(side, log),
    ({ length }) => length === 0,
    CATCH_UP,
  ).catch(() => behind(side, log))
  const catchUpMs = performance.now() - startedAt
  const { parked, faults } = await parkedFaults(side, spoilt)
  const reports = await Promise.all(
    checkable.map(async ({ name }) => ({ name, report: await verify(side.ops, name) })),
  )
  const different = reports.flatMap(({ name, report }) =>
    report.state === 'equal'
      ? []
      : [
          `${name}: ${report.different} documents are not what the log says: ${JSON.stringify(report.samples)}`,
        ],
  )
  return {
    faults: [...late, ...faults, ...different, ...side.drifts()],
    events: [...log.values()].reduce((sum, events) => sum + events, 0),
    parked,
    compared: reports.reduce((sum, { report }) => sum + report.compared, 0),
    catchUpMs,
  }
}

const isNone = (count: number): boolean => count === 0
