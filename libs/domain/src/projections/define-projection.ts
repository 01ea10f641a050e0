import type { EventType, TopicName } from '@millrace/events'
import type {
  Document,
  FieldPath,
  Filter,
  Index,
  Place,
  ProjectedEvent,
  Projection,
  Sort,
} from './projection.ts'

export type Handled<Type extends EventType> = Extract<ProjectedEvent, { readonly type: Type }>

type Common<Doc extends Document, Type extends EventType> = Pick<Projection<Doc>, 'name' | 'version'> & {
  readonly events: readonly Type[]
  /** The document as it is when absent. */
  readonly view?: (document: Doc, nowMs: number) => Document
}

type Definition<Doc extends Document, Type extends EventType> = Common<Doc, Type> & {
  readonly sources: readonly [TopicName]
  readonly evolve: (document: Doc | null, event: Handled<Type>) => Doc | null
  readonly indexes: readonly Index<FieldPath<Doc>>[]
  readonly filters: Readonly<Record<string, Filter<FieldPath<Doc>>>>
  readonly sorts: Readonly<Record<string, Sort<FieldPath<Doc>>>>
  /** Makes the projection inline: the document's key, from the events it handles. */
  readonly inlineKey?: (event: Handled<Type>) => string
  /** Folds it when it is read, instead of keeping it ready. */
  readonly isOnDemand?: true
}

/**
 * A grouped document is the merge of what each of its events says, so any order of events and any number of partials
 * give the same one. Its lists go by key: a partial alone can neither be filtered nor sorted.
 */
type GroupedDefinition<Doc extends Document, Type extends EventType> = Common<Doc, Type> & {
  readonly sources: Projection<Doc>['sources']
  readonly placesOf: (event: Handled<Type>) => readonly Place[]
  /** The document that has this event only. */
  readonly partialOf: (event: Handled<Type>, place: Place) => Doc
  readonly merge: (one: Doc, other: Doc) => Doc
  readonly graceMs?: number
}

/** Lets only the declared event types through. */
export const isOneOf = <Type extends EventType>(types: readonly Type[]) => {
  const handled: ReadonlySet<string> = new Set(types)
  return (event: ProjectedEvent): event is Handled<Type> => handled.has(event.type)
}

const asItIs = <Doc>(document: Doc): Doc => document

const onlyOne = (): never => {
  throw new TypeError('only grouped projections have partials')
}

/** One document per aggregate, or inline. Field names are checked against the document at compile time. */
export const defineProjection = <Doc extends Document, Type extends EventType>({
  inlineKey,
  isOnDemand,
  evolve,
  view = asItIs,
  ...definition
}: Definition<Doc, Type>): Projection<Doc> => {
  const isHandled = isOneOf(definition.events)
  return {
    ...definition,
    kind: isOnDemand ? 'on-demand' : inlineKey ? 'inline' : 'per-aggregate',
    placesOf: (event) => (isHandled(event) ? [{ key: inlineKey ? inlineKey(event) : event.key }] : []),
    evolve: (document, event) => (isHandled(event) ? evolve(document, event) : document),
    merge: onlyOne,
    view,
    graceMs: null,
  }
}

export const defineGroupedProjection = <Doc extends Document, Type extends EventType>({
  placesOf,
  partialOf,
  view = asItIs,
  graceMs,
  ...definition
}: GroupedDefinition<Doc, Type>): Projection<Doc> => {
  const { merge } = definition
  const isHandled = isOneOf(definition.events)
  return {
    ...definition,
    kind: 'grouped',
    placesOf: (event) => (isHandled(event) ? placesOf(event) : []),
    evolve: (document, event, place) => {
      if (!isHandled(event)) return document
      const partial = partialOf(event, place)
      return document ? merge(document, partial) : partial
    },
    view,
    graceMs: graceMs ?? null,
    indexes: [],
    filters: {},
    sorts: {},
  }
}
