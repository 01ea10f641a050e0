/*
 * A projection is a value: from where it reads, how an event changes its document, and what may be asked of it.
 * It knows no engine. The same `evolve` serves inline, asynchronous, on-demand, catch-up and rebuild, so it must
 * give the same document for the same events whoever calls it and however often:
 *
 *   - time is `event.occurredAt`, never a clock;
 *   - it throws for an event that cannot be (ImpossibleEventError): the engine stops that partition and says so;
 *   - it returns the document it was given when an event changes nothing, and null when there is none (any more);
 *   - it never sees an event twice: the engine drops duplicates by sequence before it folds.
 *
 * Documents are plain JSON values (times in UTC ms, money in minor units). The tenant, `_id` and every field that
 * starts with an underscore belong to the engine; it also puts the tenant in front of each index.
 */
import type { EventType, RecordedEvent, TopicName } from '@millrace/events'

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [field: string]: JsonValue }

export type Document = { readonly [field: string]: JsonValue }

/** A field of the document or, one level down, `total.amount`. */
export type FieldPath<Doc> = {
  [Field in keyof Doc & string]: NonNullable<Doc[Field]> extends infer Value
    ? Value extends readonly unknown[]
      ? Field
      : Value extends object
        ? Field | `${Field}.${keyof Value & string}`
        : Field
    : never
}[keyof Doc & string]

/** How one query parameter narrows a list. `gte` includes its bound and `lt` does not, so ranges join up. */
export type Filter<Path extends string = string> = {
  readonly field: Path
  readonly operator: 'eq' | 'gte' | 'lt'
} & FilterValue

export type FilterValue =
  | { readonly type: 'string' | 'number' | 'time' }
  | { readonly type: 'enum'; readonly values: readonly string[] }

export type Sort<Path extends string = string> = {
  readonly field: Path
  readonly type: 'string' | 'number' | 'time'
}

/** Fields in order; 1 ascending, -1 descending. */
export type Index<Path extends string = string> = { readonly [Field in Path]?: 1 | -1 }

/** An event as a fold sees it. Its sequence is the engine's: an inline fold runs before there is one. */
export type ProjectedEvent<Type extends EventType = EventType> = DistributiveOmit<
  RecordedEvent<Type>,
  'sequence'
>

type DistributiveOmit<Union, Key extends PropertyKey> = Union extends unknown ? Omit<Union, Key> : never

export type Projection<Doc extends Document> = {
  readonly name: string
  /** Of the fold. A change that gives other documents for the same events is a new version. */
  readonly version: `v${number}`
  /**
   * per-aggregate: the document's key is the event's, and a lane per partition keeps it. inline: any key; the
   * document changes in the transaction of the commit itself, so it is never behind and may take part in a rule.
   * Built later it sees the events of a stream in order, those of different streams by the replicas' clocks, so what
   * two streams do to one document must not depend on which comes first.
   */
  readonly kind: 'per-aggregate' | 'inline'
  readonly sources: readonly [TopicName]
  /** What `evolve` handles; other types on the sources pass it by and leave the document as it was. */
  readonly events: readonly EventType[]
  /** Within the event's tenant. */
  documentKey(this: void, event: ProjectedEvent): string
  evolve(this: void, document: Doc | null, event: ProjectedEvent): Doc | null
  readonly indexes: readonly Index[]
  /** By query parameter. */
  readonly filters: Readonly<Record<string, Filter>>
  /** By the name after `sort=`. */
  readonly sorts: Readonly<Record<string, Sort>>
}

export type AnyProjection = Projection<Document>

/** Name of a projection's data: its collection, checkpoints and consumer group carry it. */
export const versionedName = ({ name, version }: Pick<AnyProjection, 'name' | 'version'>): string =>
  `${name}.${version}`

type Handled<Type extends EventType> = Extract<ProjectedEvent, { readonly type: Type }>

type Definition<Doc extends Document, Type extends EventType> = Omit<
  Projection<Doc>,
  'kind' | 'events' | 'documentKey' | 'evolve' | 'indexes' | 'filters' | 'sorts'
> & {
  readonly events: readonly Type[]
  readonly evolve: (document: Doc | null, event: Handled<Type>) => Doc | null
  readonly indexes: readonly Index<FieldPath<Doc>>[]
  readonly filters: Readonly<Record<string, Filter<FieldPath<Doc>>>>
  readonly sorts: Readonly<Record<string, Sort<FieldPath<Doc>>>>
  /** Makes the projection inline: the document's key, from the events it handles. */
  readonly inlineKey?: (event: Handled<Type>) => string
}

/** Checks field names against the document at compile time and lets only the declared event types through. */
export const defineProjection = <Doc extends Document, Type extends EventType>({
  inlineKey,
  ...definition
}: Definition<Doc, Type>): Projection<Doc> => {
  const handled: ReadonlySet<string> = new Set(definition.events)
  const isHandled = (event: ProjectedEvent): event is Handled<Type> => handled.has(event.type)
  return {
    ...definition,
    kind: inlineKey ? 'inline' : 'per-aggregate',
    documentKey: (event) => (inlineKey && isHandled(event) ? inlineKey(event) : event.key),
    evolve: (document, event) => (isHandled(event) ? definition.evolve(document, event) : document),
  }
}
