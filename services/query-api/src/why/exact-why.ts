// Which events made a document that belongs to one aggregate: all that the event store has of its stream, folded from the
// first one by the projection's own `evolve`. A later page folds the same events again up to where it begins, so what it
// says of them does not depend on what a cursor could carry.

import type { LaneLookup, ReadEvent, StreamId, StreamReader, StreamSequences } from '@millrace/mongo'
import { streamFor } from '../fold-on-demand.ts'
import type { Served } from '../served-builds.ts'
import type { OpenEvents } from './open-events.ts'
import { beginStory, type Bearing, type WhyItem } from './story.ts'

export type ExactWhyDeps = {
  readonly streams: Pick<StreamReader, 'read'>
  readonly sequences: StreamSequences
  readonly lanes: Pick<LaneLookup, 'fatesOf'>
  readonly openEvents: OpenEvents
}

export type ExactQuestion = {
  readonly tenant: string
  readonly key: string
  readonly field: string | undefined
  readonly limit: number
  /** Version that the page before ended with. */
  readonly after: number
  readonly signal: AbortSignal
}

export type ExactFindings = {
  readonly items: readonly WhyItem[]
  /** Version that this page ends with; null at the end of the stream. */
  readonly end: number | null
  /** Whether the stream has any event that bears on the document. */
  readonly isFound: boolean
  readonly fields: ReadonlySet<string>
}

const PAGE = { events: 200, bytes: 4 * 1024 * 1024 }
/** A page ends here although it is not full: few events may have changed the field. */
const MAX_EVENTS = 10_000

export const makeExactWhy =
  (deps: ExactWhyDeps) =>
  async (served: Served, question: ExactQuestion): Promise<ExactFindings> => {
    const { field, limit, after } = question
    const story = beginStory(served.projection, { field })
    const items: WhyItem[] = []
    const findings = { items, fields: story.fields }
    let isFound = false
    for await (const bearing of bearings(deps, served, question)) {
      const { version } = bearing.stored
      if (items.length >= limit || version > after + MAX_EVENTS)
        return { ...findings, isFound, end: version - 1 }
      isFound = true
      const item = story.tell(bearing)
      if (item && version > after) items.push(item)
    }
    return { ...findings, isFound, end: null }
  }

/** Everything in the stream that the projection handles, from the first event on. */
async function* bearings(
  deps: ExactWhyDeps,
  served: Served,
  { tenant, key, signal }: ExactQuestion,
): AsyncGenerator<Bearing, void> {
  const id = { tenant, stream: streamFor(served.projection, key) }
  let from: number | null = 1
  while (from !== null) {
    signal.throwIfAborted()
    const page = await deps.streams.read({ ...id, from, direction: 'forward', limits: PAGE })
    yield* await bearingsOf(deps, { served, id, key }, page?.events ?? [])
    from = page?.next ?? null
  }
}

type Place = { readonly served: Served; readonly id: StreamId; readonly key: string }

const bearingsOf = async (
  { openEvents, sequences, lanes }: ExactWhyDeps,
  { served: { projection, build }, id, key }: Place,
  events: readonly ReadEvent[],
): Promise<Bearing[]> => {
  const opened = await openEvents({ projection, tenant: id.tenant }, events)
  const [first, last] = [opened[0], opened.at(-1)]
  if (!first || !last) return []
  const range = { from: first.stored.version, to: last.stored.version }
  const placed = await sequences.placesOf(id, range)
  const located = opened.map((one) => {
    const at = placed.get(one.stored.version)
    if (at) return { ...one, at, place: one.event && { key } }
    throw new Error(`version ${one.stored.version} of ${id.stream} has no commit`)
  })
  if (projection.kind === 'on-demand') return located.map((one) => ({ ...one, fate: 'applied' }))
  const fates = await lanes.fatesOf(
    build,
    located.map(({ at }) => ({ ...at, key })),
  )
  return located.map((one, index) => ({ ...one, fate: fates[index] ?? 'pending' }))
}
