import type { DomainEvent, EventType, TopicEvent, TopicName } from '@millrace/events'
import { isOneOf, type Handled } from '../projections/define-projection.ts'
import type { Document } from '../projections/projection.ts'
import type { SnapshotEntry, Table } from './table.ts'

/** What a topic carries. */
type On<Topic extends TopicName> = TopicEvent<Topic> & DomainEvent

type Definition<
  State extends Document,
  Type extends EventType,
  To extends TopicName,
  Last extends TopicName,
> = Omit<Table<State>, 'events' | 'topic' | 'snapshots' | 'evolve' | 'publish' | 'snapshot'> & {
  readonly topic: To
  readonly snapshots: Last
  readonly events: readonly Type[]
  readonly evolve: (state: State | null, event: Handled<Type>, clockMs: number) => State
  readonly publish: (state: State) => On<To>
  readonly snapshot: (entry: SnapshotEntry<On<To>['data']>) => On<Last>
}

/** Checks at compile time that it handles what it says, and publishes what its topics carry. */
export const defineTable = <
  State extends Document,
  Type extends EventType,
  To extends TopicName,
  Last extends TopicName,
>({
  evolve,
  ...definition
}: Definition<State, Type, To, Last>): Table<State> => {
  const isHandled = isOneOf(definition.events)
  return {
    ...definition,
    evolve: (state, event, clockMs) => {
      if (isHandled(event)) return evolve(state, event, clockMs)
      throw new TypeError(`${definition.name} does not handle ${event.type}`)
    },
  }
}
