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
export type Filter<Path extends string = string> = FieldFilter<Path> | ViewFilter<Path>

export type FieldFilter<Path extends string = string> = {
  readonly field: Path
  readonly operator: 'eq' | 'gte' | 'lt'
} & FilterValue

export type FilterValue =
  | { readonly type: 'string' | 'number' | 'time' }
  | { readonly type: 'enum'; readonly values: readonly string[] }

/** By a field of the view that no document has: what its values mean for the fields that there are. */
export type ViewFilter<Path extends string = string> = {
  readonly operator: 'view'
  readonly type: 'enum'
  readonly values: readonly string[]
  readonly conditions: (value: string, nowMs: number) => readonly FieldCondition<Path>[]
}

export type FieldCondition<Path extends string = string> =
  | { readonly field: Path; readonly is: string | number | null }
  | { readonly field: Path; readonly from?: number; readonly below?: number }

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

/** A document, or the part of it that one partial holds. */
export type Place = {
  readonly key: string
  /** Splits the partials of a key that would grow too large for one document: product and day. */
  readonly part?: string
  /** End of its window in event time, UTC ms: with `graceMs` an event may come too late for it. */
  readonly closesAt?: number
}

export type Projection<Doc extends Document> = {
  readonly name: string
  /** Of the fold. A change that gives other documents for the same events is a new version. */
  readonly version: `v${number}`
  /**
   * per-aggregate: the document's key is the event's, and a lane per partition keeps it. grouped: any keys; the lane
   * of each partition keeps partials of its own, which `merge` puts together when somebody reads. inline: any key;
   * the document changes in the transaction of the commit itself, so it is never behind and may take part in a rule.
   * Built later it sees the events of a stream in order, those of different streams by the replicas' clocks. on-demand:
   * the aggregate's document again, folded from the store by each read, kept nowhere and never behind; it has no lists.
   *
   * So what two streams do to a grouped or inline document must not depend on which comes first.
   */
  readonly kind: 'per-aggregate' | 'grouped' | 'inline' | 'on-demand'
  /** Several only when grouped. */
  readonly sources: readonly [TopicName, ...TopicName[]]
  /** What `evolve` handles; other types on the sources pass it by and leave the documents as they were. */
  readonly events: readonly EventType[]
  /** Which documents an event may change, within its tenant; none for an event that is not handled. */
  placesOf(this: void, event: ProjectedEvent): readonly Place[]
  evolve(this: void, document: Doc | null, event: ProjectedEvent, place: Place): Doc | null
  /** Of partials of one key, in any order and grouping: associative and commutative. Only grouped ones have any. */
  merge(this: void, one: Doc, other: Doc): Doc
  /** What readers get of a whole document: here belongs what changes by time passing alone. */
  view(this: void, document: Doc, nowMs: number): Document
  /**
   * How long after a window's end, by the watermark of the event's partition, an event still counts; unlimited when
   * null. What comes later is kept as a late event, and counted.
   */
  readonly graceMs: number | null
  readonly indexes: readonly Index[]
  /** By query parameter. */
  readonly filters: Readonly<Record<string, Filter>>
  /** By the name after `sort=`. */
  readonly sorts: Readonly<Record<string, Sort>>
}

export type AnyProjection = Projection<Document>

/** Whether projectors keep its documents; the others change with the commits, or are kept nowhere. */
export const isFed = ({ kind }: Pick<AnyProjection, 'kind'>): boolean =>
  kind === 'per-aggregate' || kind === 'grouped'

/** Name of a projection's data: its collection, checkpoints and consumer group carry it. */
export const versionedName = ({ name, version }: Pick<AnyProjection, 'name' | 'version'>): string =>
  `${name}.${version}`
