/*
 * A table is the last state of each key: folded from the events of a topic and from time passing, and published to a
 * compacted topic. Like a projection it is a value that knows no engine.
 *
 * Time is the clock of the source topic, which is the broker's time of its records (LogAppendTime), and nothing else:
 * whoever reads the same records comes to the same states, however late, and in whatever pieces. So that the clock goes
 * on when no events come, the topic has ticks.
 *
 *   - `evolve` gets the state as time has left it by then;
 *   - `at` says what time alone has made of a state: looked at on the way or not, it is the same in the end,
 *     at(at(state, t1), t2) = at(state, t2) for t1 <= t2; it gives the very state while nothing has changed;
 *   - `changesAt` is the first time at which `at` gives something else; null when time changes nothing any more.
 *
 * A state is never forgotten but by time: a key whose state is null at some time is a tombstone from there on.
 */
import type { DomainEvent, EventType, TopicName } from '@millrace/events'
import type { Document, ProjectedEvent } from '../projections/projection.ts'

export type Table<State extends Document> = {
  readonly name: string
  /** Of the fold. A change that gives other states for the same events is a new version. */
  readonly version: `v${number}`
  readonly source: TopicName
  /** Where its states go; compacted. */
  readonly topic: TopicName
  /** What `evolve` handles; other types on the source are its clock only. */
  readonly events: readonly EventType[]
  /** `clockMs` is the topic's time of the event, UTC ms, and never runs back. */
  evolve(this: void, state: State | null, event: ProjectedEvent, clockMs: number): State
  at(this: void, state: State, clockMs: number): State | null
  changesAt(this: void, state: State): number | null
  /** Of the streams that its keys belong to: `processes.process`. */
  readonly category: string
  /** Name of the projection of `topic`: of each key the last value (changelog.ts). */
  readonly changelog: string
  /** What is published of it. */
  publish(this: void, state: State): DomainEvent
  /** Where the last values of `topic` stand for those who come later; compacted, with as many partitions. */
  readonly snapshots: TopicName
  /** A last value as it stands there. */
  snapshot(this: void, entry: SnapshotEntry): DomainEvent
}

/** The last value of a key of a compacted topic. */
export type SnapshotEntry<Doc = DomainEvent['data']> = {
  readonly _key: string
  /** What `publish` gave. */
  readonly doc: Doc
  /** The table's clock by which it was so, UTC ms. */
  readonly _ts: number
  /** Its offset: of two values of a key the one with the larger number is the newer one. */
  readonly _v: number
}

export type AnyTable = Table<Document>
