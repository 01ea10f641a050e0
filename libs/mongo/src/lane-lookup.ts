// What became of an event in a build of a read model, as its lanes say. An event that is parked or late is written down
// in the transaction that moves the checkpoint past it; so the checkpoint is read first, and what it has passed is then
// in the documents unless it is found among the parked or the late ones.

import type { ClientSession } from 'mongodb'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CheckpointId, ShardId } from './documents.ts'
import { placeOf } from './publication-records.ts'
import { translating } from './mongo-error.ts'
import { lateIdOf, parkedIdOf } from './parked-events.ts'

/** An event, and the document it may have changed. */
export type LaneEvent = ShardId & {
  /** Undefined until it is published. */
  readonly sequence: number | undefined
  readonly key: string
}

/**
 * applied: it is in the document. parked: set aside, itself or what it waits for. late: its window was closed.
 * pending: the read model is not there yet.
 */
export type Fate = 'applied' | 'parked' | 'late' | 'pending'

export type LaneLookup = {
  /** Whether anything of this message key is parked, at or below a sequence; with `Infinity`, anything at all. */
  isParked(id: CheckpointId, parked: { readonly parkingKey: string; readonly upTo: number }): Promise<boolean>
  /** One for each event. */
  fatesOf(projection: string, events: readonly LaneEvent[]): Promise<Fate[]>
}

type At = Pick<Collections, 'checkpoints' | 'parkedEvents' | 'lateEvents'> & {
  readonly session: ClientSession
}

export const mongoLaneLookup = (connection: MongoConnection): LaneLookup => {
  const collections = collectionsOf(connection)
  const inSession = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ ...collections, session })))
  return {
    isParked: ({ projection, topic, partition }, { parkingKey, upTo }) =>
      inSession(async ({ parkedEvents, session }) => {
        const bound = upTo === Infinity ? {} : { sequence: { $lte: upTo } }
        const lane = { projection, topic, partition, parkingKey }
        const found = await parkedEvents.findOne({ ...lane, ...bound }, { session, projection: { _id: 1 } })
        return found !== null
      }),
    fatesOf: async (projection, events) =>
      events.length === 0 ? [] : inSession((at) => fatesOf(at, projection, events)),
  }
}

const fatesOf = async (at: At, projection: string, events: readonly LaneEvent[]): Promise<Fate[]> => {
  const reached = await readReached(at, projection, events)
  const passed = events.filter((event) => isPassed(event, reached))
  const aside = await readAside(at, projection, passed)
  return events.map((event) => {
    if (!isPassed(event, reached)) return 'pending'
    if (aside.parked.has(parkedIdOf({ ...event, projection }, event.sequence))) return 'parked'
    return aside.late.has(lateIdOf({ ...event, projection }, event)) ? 'late' : 'applied'
  })
}

type PassedEvent = LaneEvent & { readonly sequence: number }

const isPassed = (event: LaneEvent, reached: ReadonlyMap<string, number>): event is PassedEvent =>
  event.sequence !== undefined && event.sequence <= (reached.get(placeOf(event)) ?? 0)

/** Sequence of the last event that each lane has passed, by `topic/partition`. */
const readReached = async (
  { checkpoints, session }: At,
  projection: string,
  events: readonly LaneEvent[],
): Promise<ReadonlyMap<string, number>> => {
  // Members and their order are the identity of an embedded `_id`.
  const ids = events.map(({ topic, partition }): [string, CheckpointId] => [
    placeOf({ topic, partition }),
    { projection, topic, partition },
  ])
  const found = await checkpoints.find({ _id: { $in: [...new Map(ids).values()] } }, { session }).toArray()
  return new Map(found.map(({ _id, lastSequence }) => [placeOf(_id), lastSequence]))
}

const readAside = async (
  { parkedEvents, lateEvents, session }: At,
  projection: string,
  events: readonly PassedEvent[],
): Promise<{ readonly parked: ReadonlySet<string>; readonly late: ReadonlySet<string> }> => {
  const parkedIds = events.map((event) => parkedIdOf({ ...event, projection }, event.sequence))
  const lateIds = events.map((event) => lateIdOf({ ...event, projection }, event))
  const options = { session, projection: { _id: 1 } } as const
  const parked = await parkedEvents.find({ _id: { $in: parkedIds } }, options).toArray()
  const late = await lateEvents.find({ _id: { $in: lateIds } }, options).toArray()
  return { parked: new Set(parked.map(({ _id }) => _id)), late: new Set(late.map(({ _id }) => _id)) }
}
