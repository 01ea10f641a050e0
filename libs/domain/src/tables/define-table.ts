import type { DomainEvent, EventType, TopicEvent, TopicName } from '@millrace/events'
import { isOneOf, type Handled } from '../projections/define-projection.ts'
import type { Document } from '../projections/projection.ts'
import type { Table } from './table.ts'

type Definition<State extends Document, Type extends EventType, Topic extends TopicName> = Omit<
  Table<State>,
  'events' | 'topic' | 'evolve' | 'publish'
> & {
  readonly topic: Topic
  readonly events: readonly Type[]
  readonly evolve: (state: State | null, event: Handled<Type>, clockMs: number) => State
  readonly publish: (state: State) => TopicEvent<Topic> & DomainEvent
}

/** Checks at compile time that it handles what it says, and publishes what its topic carries. */
export const defineTable = <State extends Document, Type extends EventType, Topic extends TopicName>({
  evolve,
  ...definition
}: Definition<State, Type, Topic>): Table<State> => {
  const isHandled = isOneOf(definition.events)
  return {
    ...definition,
    evolve: (state, event, clockMs) => {
      if (isHandled(event)) return evolve(state, event, clockMs)
      throw new TypeError(`${definition.name} does not handle ${event.type}`)
    },
  }
}
