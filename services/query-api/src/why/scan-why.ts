// Which events made a document that any event may have changed: nobody has an index of those, so the log of the sources is
// read from its beginning and each event asked for its places. One request looks at a bounded stretch and says how far
// it came; its cursor goes on there, and carries the partials as they were. When they are too large for a cursor the
// next page begins with none, and says that too.

import type { AnyProjection, Document, Place } from '@millrace/domain'
import { storedTypesOf, topics } from '@millrace/events'
import type { LaneLookup, LogEvent, LogPosition, LogReader, ShardId } from '@millrace/mongo'
import { z } from 'zod'
import type { Served } from '../served-builds.ts'
import type { OpenedEvent, OpenEvents } from './open-events.ts'
import { beginStory, type Bearing, type Story, type WhyItem } from './story.ts'

export type ScanWhyDeps = {
  readonly log: LogReader
  readonly lanes: Pick<LaneLookup, 'fatesOf'>
  readonly openEvents: OpenEvents
}

/** Where a scan goes on; `partials` as far as folded, null when they are not known. */
export type ScanPlace = {
  readonly position: LogPosition
  readonly partials: readonly (readonly [string, Document | null])[] | null
}

export const scanPlace: z.ZodType<ScanPlace> = z.object({
  position: z.record(z.string(), z.int().min(0)),
  partials: z.array(z.tuple([z.string(), z.record(z.string(), z.json()).nullable()])).nullable(),
})

export type ScanQuestion = {
  readonly tenant: string
  readonly key: string
  readonly field: string | undefined
  readonly limit: number
  readonly from: ScanPlace | undefined
  readonly signal: AbortSignal
}

export type ScanFindings = {
  readonly items: readonly WhyItem[]
  /** Null at the end of the log. */
  readonly end: ScanPlace | null
  /** Of the log, from its beginning: of all types and tenants. */
  readonly looked: number
  /** Events of this page that cannot be read: nobody knows whether they belong here. */
  readonly unreadable: number
  /** Whether the partials are known from the beginning of the log, or of this page. */
  readonly foldedFrom: 'start' | 'page'
  readonly isFound: boolean
  readonly fields: ReadonlySet<string>
}

const MAX_LOOKED_AT = 10_000
const MAX_MS = 2_000
const CHUNK = { events: 500, bytes: 4 * 1024 * 1024, lookedAt: 2_000 }
/** Characters: a cursor is a part of a URL, and all headers of a request have 16 KiB. */
const MAX_CARRIED = 4_096

export const makeScanWhy =
  (deps: ScanWhyDeps) =>
  async (served: Served, question: ScanQuestion): Promise<ScanFindings> => {
    const { field, from, limit, tenant, signal } = question
    const { projection } = served
    const carried = from ? from.partials : []
    const story = beginStory(projection, { field, slots: new Map<string, Document | null>(carried) })
    const scan: Scan = { story, items: [], position: { ...from?.position }, unreadable: 0, isFound: false }
    const source = { tenant, partitions: partitionsOf(projection), types: typesOf(projection) }
    const isSpent = budget(scan.position)
    let isOver = false
    while (!isOver && scan.items.length < limit && !isSpent(scan.position)) {
      signal.throwIfAborted()
      const page = await deps.log.read({ ...source, after: scan.position, limits: CHUNK })
      const isCut = await goThrough(deps, { served, question, scan }, page.events)
      if (!isCut) scan.position = { ...page.position }
      isOver = !isCut && page.isAtEnd
    }
    return findingsOf(scan, { isOver, isFolded: carried !== null })
  }

/** What one request may look at; the first stretch is always within it. */
const budget = (from: LogPosition): ((position: LogPosition) => boolean) => {
  const events = lengthOf(from) + MAX_LOOKED_AT
  const until = performance.now() + MAX_MS
  return (position) => lengthOf(position) >= events || performance.now() >= until
}

/** What a scan has found so far. */
type Scan = {
  readonly story: Story
  readonly items: WhyItem[]
  position: Record<string, number>
  unreadable: number
  isFound: boolean
}

type Under = { readonly served: Served; readonly question: ScanQuestion; readonly scan: Scan }

/** True when the page is full before the events are: the position is then behind the last one that is in it. */
const goThrough = async (
  { openEvents, lanes }: ScanWhyDeps,
  { served, question: { tenant, key, limit }, scan }: Under,
  events: readonly LogEvent[],
): Promise<boolean> => {
  const { projection, build } = served
  const opened = await openEvents({ projection, tenant }, events)
  const placed = opened.map((one) => ({ ...one, places: placesOf(projection, one, key) }))
  const bearing = placed.flatMap(({ places, ...one }) => (places ?? []).map((place) => ({ ...one, place })))
  const fates =
    projection.kind === 'inline'
      ? bearing.map(() => 'applied' as const)
      : await lanes.fatesOf(
          build,
          bearing.map(({ stored: { topic, partition, sequence } }) => ({ topic, partition, sequence, key })),
        )
  const bearings = bearing.map((one, index): Bearing => ({
    ...one,
    at: one.stored,
    fate: fates[index] ?? 'pending',
  }))
  const byEvent = Map.groupBy(bearings, ({ stored }) => stored.id)
  for (const { stored, places } of placed) {
    if (scan.items.length >= limit) return true
    if (!places) scan.unreadable += 1
    for (const one of byEvent.get(stored.id) ?? []) tell(scan, one)
    scan.position[`${stored.topic}/${stored.partition}`] = stored.sequence
  }
  return false
}

const tell = (scan: Scan, bearing: Bearing): void => {
  scan.isFound = true
  const item = scan.story.tell(bearing)
  if (item) scan.items.push(item)
}

/** Those with the key; undefined when the event cannot say. */
const placesOf = (
  projection: AnyProjection,
  { event }: OpenedEvent,
  key: string,
): readonly Place[] | undefined => {
  if (!event) return undefined
  try {
    return projection.placesOf(event).filter((place) => place.key === key)
  } catch {
    return undefined
  }
}

const partitionsOf = ({ sources }: AnyProjection): ShardId[] =>
  sources.flatMap((topic) =>
    Array.from({ length: topics[topic].partitions }, (_, partition) => ({ topic, partition })),
  )

const typesOf = ({ events }: AnyProjection): string[] => events.flatMap((type) => [...storedTypesOf(type)])

/** Sequences have no gaps and begin with 1, so a position is also how many events lie behind it. */
const lengthOf = (position: LogPosition): number =>
  Object.values(position).reduce((sum, sequence) => sum + sequence, 0)

const findingsOf = (
  { story, items, position, unreadable, isFound }: Scan,
  { isOver, isFolded }: { readonly isOver: boolean; readonly isFolded: boolean },
): ScanFindings => {
  const partials = isFolded ? [...story.slots] : null
  const isCarried = JSON.stringify(partials).length <= MAX_CARRIED
  return {
    items,
    end: isOver ? null : { position, partials: isCarried ? partials : null },
    looked: lengthOf(position),
    unreadable,
    foldedFrom: isFolded ? 'start' : 'page',
    isFound,
    fields: story.fields,
  }
}
