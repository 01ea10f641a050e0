import type { InlineRule } from './context.ts'
import { versionedName, type Document, type Place, type ProjectedEvent } from './projections/projection.ts'

type Fields = Readonly<Record<string, unknown>>

/** One document of an inline read model that an event changes, unless the rule refuses. */
export type InlineChange = {
  /** Name and version of the projection. */
  readonly projection: string
  /** `<tenant>/<key>`. */
  readonly id: string
  /** `before` was stored for this very projection version; null when there is no document. */
  readonly change: (
    before: Fields | null,
  ) =>
    | { readonly type: 'changed'; readonly fields: Fields | null }
    | { readonly type: 'refused'; readonly reason: string }
}

/** What the events of a commit change in inline read models; each change goes on from the one before it. */
export const inlineChangesOf = (
  rules: readonly InlineRule[],
  events: readonly ProjectedEvent[],
): InlineChange[] =>
  rules.flatMap((rule) =>
    events.flatMap((event) => rule.projection.placesOf(event).map((place) => changeOf(rule, event, place))),
  )

const changeOf = ({ projection, refuse }: InlineRule, event: ProjectedEvent, place: Place): InlineChange => ({
  projection: versionedName(projection),
  id: `${event.tenant}/${place.key}`,
  change: (before) => {
    const document = before as Document | null
    const reason = refuse(document, event)
    return reason === null
      ? { type: 'changed', fields: projection.evolve(document, event, place) }
      : { type: 'refused', reason }
  },
})
