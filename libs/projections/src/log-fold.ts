// A read model made of the log in memory, by the same steps as the projector's, but from the event store instead of
// Kafka and of no checkpoint: what a build is checked against. It holds only the documents it is asked for, so that
// memory is bounded by how many those are. It begins with nothing or, to foresee what becomes of a build, where that is.

import { mergePartials, toProjected, type AnyProjection, type Document } from '@millrace/domain'
import {
  DecodeError,
  isTopicName,
  keyOfStream,
  readStored,
  toMessageKey,
  writerIdsOf,
  type Codec,
  type RecordedEvent,
  type TopicName,
} from '@millrace/events'
import type { BuildSight, DocumentWrite, LoggedEvent, PartitionLog, ShardId } from '@millrace/mongo'
import { watermarkAfter, type Entry } from './entry.ts'
import { foldBatch, placeEntries, type PlacedEntry } from './fold-batch.ts'
import { FoldedDocuments } from './folded-documents.ts'
import type { Positions, Sight, Source, SourcePartial } from './source.ts'

export type LogFoldDeps = {
  readonly log: PartitionLog
  readonly codec: Codec
  readonly projection: AnyProjection
  /** All partitions of its sources. */
  readonly shards: readonly ShardId[]
  /** Whether the document of `<tenant>/<key>` is to be made. */
  readonly wants: (key: string) => boolean
  /** Sequences that the build has parked, and their message keys: it would be unfair to fold them. */
  readonly parked: (shard: ShardId) => Promise<ParkedHere>
  /** A build as it was at one moment, to begin there and not with nothing. */
  readonly start?: BuildSight
  /** Events that were looked at. */
  readonly onProgress?: (events: number) => void
  /** Each change as it is made; costs, so only for few documents. */
  readonly onChange?: (change: FoldedChange) => void
}

export type ParkedHere = ReadonlyMap<number, string | null>

export type FoldedChange = {
  /** `<tenant>/<key>`. */
  readonly key: string
  readonly event: RecordedEvent
  readonly before: Document | null
  readonly write: DocumentWrite
}

type Lane = {
  readonly shard: ShardId & { readonly topic: TopicName }
  readonly place: string
  reached: number
  watermark: number | null
  /** Message keys that have gone wrong: what comes later waits. */
  readonly stuck: Set<string>
}

export type LogFold = Source & {
  /** Goes on to these positions, or to the end of the log as far as that is known; never back. */
  advance(to?: Positions): Promise<void>
  /** How many events were looked at so far. */
  events(): number
}

/**
 * Go no further than the build that it is compared with: nobody knows yet what that will park. A `Sight` of it at other
 * positions moves the fold itself there.
 */
export const foldLog = (deps: LogFoldDeps): LogFold => {
  const documents = new FoldedDocuments(deps.start?.documents)
  const lanes = deps.shards.map((shard) => toLane(shard, deps.start))
  let events = 0
  const advanceLane = async (lane: Lane, end: number): Promise<void> => {
    const parked = await deps.parked(lane.shard)
    for (const [sequence, key] of parked) if (key !== null && sequence <= lane.reached) lane.stuck.add(key)
    for await (const stretch of stretchesUpTo(end, deps.log.read(lane.shard, lane.reached))) {
      await foldStretch(deps, lane, { documents, parked, stretch })
      events += stretch.length
      deps.onProgress?.(events)
    }
  }
  const advance = async (to?: Positions): Promise<void> => {
    for (const lane of lanes) {
      const end = to ? (to.get(lane.place) ?? 0) : Infinity
      if (end > lane.reached) await advanceLane(lane, end)
    }
  }
  const read = async (keys: readonly string[]): Promise<Sight> => ({
    documents: new Map(
      keys
        .map((key): [string, readonly SourcePartial[]] => [key, documents.partials(key)])
        .filter(([, partials]) => partials.length > 0),
    ),
    reached: new Map(lanes.map(({ place, reached }) => [place, reached])),
    at: async (positions) => {
      await advance(positions)
      return read(keys)
    },
  })
  return {
    events: () => events,
    advance,
    keys: async function* () {
      const keys = documents.keys()
      for (let from = 0; from < keys.length; from += KEYS_AT_A_TIME)
        yield keys.slice(from, from + KEYS_AT_A_TIME)
    },
    read,
  }
}

const KEYS_AT_A_TIME = 5_000

async function* stretchesUpTo(end: number, stretches: AsyncIterable<readonly LoggedEvent[]>) {
  for await (const stretch of stretches) {
    const within = stretch.filter(({ sequence }) => sequence <= end)
    if (within.length > 0) yield within
    if (within.length < stretch.length) return
  }
}

const toLane = ({ topic, partition }: ShardId, start: BuildSight | undefined): Lane => {
  if (!isTopicName(topic)) throw new TypeError(`${topic} is no topic of the catalogue`)
  const place = `${topic}/${partition}`
  return {
    shard: { topic, partition },
    place,
    reached: start?.reached.get(place) ?? 0,
    watermark: start?.watermarks.get(place) ?? null,
    stuck: new Set(),
  }
}

type Stretch = {
  readonly documents: FoldedDocuments
  readonly parked: ParkedHere
  readonly stretch: readonly LoggedEvent[]
}

const foldStretch = async (
  deps: LogFoldDeps,
  lane: Lane,
  { documents, parked, stretch }: Stretch,
): Promise<void> => {
  const { projection, codec, wants, onChange } = deps
  await codec.ensureWriters(
    writerIdsOf(
      codec,
      stretch.map(({ bytes }) => bytes),
    ),
  )
  const handled: ReadonlySet<string> = new Set(projection.events)
  const entries = stretch.flatMap((event) => toEntry(codec, lane, { event, parked, handled }))
  const wanted = placeEntries(projection, lane.shard, entries).flatMap((entry) => only(entry, wants))
  const pieces = onChange ? wanted.map((entry) => [entry]) : [wanted]
  for (const piece of pieces) foldPiece(deps, lane, { documents, piece })
  lane.reached = stretch.at(-1)?.sequence ?? lane.reached
}

type ToRead = {
  readonly event: LoggedEvent
  readonly parked: ParkedHere
  readonly handled: ReadonlySet<string>
}

const toEntry = (codec: Codec, lane: Lane, { event, parked, handled }: ToRead): Entry[] => {
  const { sequence, occurredAt, committedAt } = event
  const { watermark } = lane
  lane.watermark = watermarkAfter(watermark, { occurredAt, committedAt })
  const newestType = codec.newestTypeOf(event.type)
  if (newestType !== undefined && !handled.has(newestType)) return []
  const key = keyOfStream(event.stream)
  const record = {
    offset: 0n,
    timestamp: committedAt,
    key: Buffer.from(toMessageKey({ tenant: event.tenant, key })),
    value: event.bytes,
    headers: {},
  }
  const common = { record, sequence, watermark }
  if (parked.has(sequence) || lane.stuck.has(record.key.toString())) return [{ ...common, type: 'waits' }]
  try {
    return [{ ...common, type: 'event', event: toRecorded(codec, lane, { event, key }) }]
  } catch (error) {
    if (error instanceof DecodeError) return [{ ...common, type: 'poison', error }]
    throw error
  }
}

const toRecorded = (
  codec: Codec,
  { shard }: Lane,
  { event, key }: { event: LoggedEvent; key: string },
): RecordedEvent => ({
  ...toProjected({ ...event, key }, { ...event, event: readStored(codec, shard.topic, event) }),
  sequence: event.sequence,
})

/** What of an entry concerns the wanted documents; poison is kept, for it may be of one. */
const only = (entry: PlacedEntry, wants: LogFoldDeps['wants']): PlacedEntry[] => {
  if (entry.type !== 'event') return [entry]
  const places = entry.places.filter(({ place }) => wants(`${entry.event.tenant}/${place.key}`))
  return places.length === 0 ? [] : [{ ...entry, places }]
}

type Piece = { readonly documents: FoldedDocuments; readonly piece: readonly PlacedEntry[] }

const foldPiece = (
  { projection, onChange }: LogFoldDeps,
  lane: Lane,
  { documents, piece: given }: Piece,
): void => {
  // A piece of this very stretch may have gone wrong since its entries were made.
  const piece = given.map((entry) => waiting(lane, entry))
  const { stored, keys } = documents.touched(piece)
  const { writes, parked } = foldBatch({ projection, stored }, piece)
  for (const { key } of parked) if (key) lane.stuck.add(key.toString())
  const [first] = piece
  for (const write of writes) {
    const key = keys.get(write.id) ?? write.id
    documents.put(write, { key, place: lane.place })
    if (first?.type === 'event')
      onChange?.({ key, event: first.event, write, before: stored.get(write.id) ?? null })
  }
}

const waiting = ({ stuck }: Lane, entry: PlacedEntry): PlacedEntry =>
  stuck.has(entry.record.key?.toString() ?? '') ? { ...entry, type: 'waits' } : entry

/** What readers would get of some partials, but for `view`; null when none is left. */
export const documentOf = (
  projection: AnyProjection,
  partials: readonly SourcePartial[],
): Document | null => {
  const [first, ...others] = partials.flatMap(({ fields }) => (fields ? [fields as Document] : []))
  return first ? mergePartials(projection, [first, ...others]) : null
}
