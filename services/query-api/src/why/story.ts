import type { AnyProjection, Document, Place } from '@millrace/domain'
import type { Fate, LogPlace } from '@millrace/mongo'
import { z } from 'zod'
import { changedPaths, isChangedAt, valueAt, withParents } from './document-fields.ts'
import type { OpenedEvent } from './open-events.ts'

/** One event and what it did to the document, or to one of its partials. */
export const whyItem = z
  .strictObject({
    eventId: z.string(),
    type: z.string(),
    stream: z.string(),
    version: z.int(),
    occurredAt: z.iso.datetime(),
    sequence: z.int().optional().describe('In its partition of the log, once it is published.'),
    state: z
      .enum(['applied', 'parked', 'late', 'pending', 'unfolded'])
      .describe(
        'applied: it is in the document. Not in it are: parked, set aside or waiting behind what was; late, after ' +
          'the grace of its window; pending, the read model is not there yet; unfolded, it cannot be told from here.',
      ),
    partial: z
      .strictObject({ topic: z.string(), partition: z.int(), part: z.string() })
      .optional()
      .describe('Of a grouped document: which of its partials.'),
    changed: z
      .array(z.string())
      .optional()
      .describe('Paths whose value is another since; of an applied event.'),
    before: z.unknown().optional().describe('Value of `field`; absent where there was none.'),
    after: z.unknown().optional().describe('Value of `field`; absent where there is none.'),
  })
  .meta({ id: 'WhyItem' })

export type WhyItem = z.output<typeof whyItem>

/** An event with the place it has in the document; without one it cannot be read. */
export type Bearing = OpenedEvent & {
  readonly at: LogPlace
  readonly place: Place | null
  readonly fate: Fate
}

/** Names documents that are folded apart: partials of a grouped one. */
export type Slots = Map<string, Document | null>

/** Folds event by event, and remembers what there was to be seen. */
export type Story = {
  /** What the event did; null when the question is about a field that it left as it was. */
  tell(bearing: Bearing): WhyItem | null
  /** Dotted paths that the document has or had so far. */
  readonly fields: ReadonlySet<string>
  readonly slots: Slots
}

export const beginStory = (
  projection: AnyProjection,
  { field, slots = new Map() }: { readonly field: string | undefined; readonly slots?: Slots },
): Story => {
  const fields = new Set<string>()
  return {
    fields,
    slots,
    tell: (bearing) => {
      const slot = slotOf(projection, bearing)
      const before = slots.get(slot) ?? null
      const folded = fold(projection, bearing, before)
      const seen = headOf(projection, bearing)
      if (folded === 'unfolded')
        return { ...seen, state: bearing.fate === 'applied' ? 'unfolded' : bearing.fate }
      slots.set(slot, folded)
      const changed = changedPaths(before, folded)
      for (const path of changed.flatMap(withParents)) fields.add(path)
      if (field === undefined) return { ...seen, state: 'applied', changed }
      if (!isChangedAt(field, before, folded)) return null
      return { ...seen, state: 'applied', changed, ...valuesOf(field, before, folded) }
    },
  }
}

const slotOf = ({ kind }: AnyProjection, { at: { topic, partition }, place }: Bearing): string =>
  kind === 'grouped' ? `${topic}/${partition}/${place?.part ?? ''}` : ''

/** A fold that throws for an event that was applied does so for the documents it lacks here. */
const fold = (
  projection: AnyProjection,
  { event, place, fate }: Bearing,
  before: Document | null,
): Document | null | 'unfolded' => {
  if (!event || !place || fate !== 'applied') return 'unfolded'
  try {
    return projection.evolve(before, event, place)
  } catch {
    return 'unfolded'
  }
}

const headOf = (
  { kind }: AnyProjection,
  { stored, event, at, place }: Bearing,
): Omit<WhyItem, 'state' | 'changed' | 'before' | 'after'> => ({
  eventId: stored.id,
  type: event?.type ?? stored.type,
  stream: stored.stream,
  version: stored.version,
  occurredAt: new Date(stored.occurredAt).toISOString(),
  ...(at.sequence === undefined ? {} : { sequence: at.sequence }),
  ...(kind === 'grouped'
    ? { partial: { topic: at.topic, partition: at.partition, part: place?.part ?? '' } }
    : {}),
})

const valuesOf = (field: string, before: Document | null, after: Document | null) => {
  const [was, is] = [valueAt(before, field), valueAt(after, field)]
  return { ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }
}
