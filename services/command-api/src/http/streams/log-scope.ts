import { categoryOf, contexts } from '@millrace/domain'
import { isEventType, storedTypesOf, topics, type TopicSpec } from '@millrace/events'
import type { ShardId } from '@millrace/mongo'

/** Which part of the log a route reads. */
export type LogScope = {
  /** No two scopes have the same: a position is good for its own one only. */
  readonly name: string
  readonly partitions: readonly ShardId[]
  /** As they are stored; all when absent. */
  readonly types?: readonly string[]
}

const eventTopics = (): TopicSpec[] =>
  Object.values<TopicSpec>(topics).filter(({ kind }) => kind === 'events')

const partitionsOf = (specs: readonly TopicSpec[]): ShardId[] =>
  specs.flatMap(({ name, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic: name, partition })),
  )

export const everything = (): LogScope => ({ name: '$all', partitions: partitionsOf(eventTopics()) })

/** All streams of one aggregate, for example `orders.order`; a topic has one category. */
export const findCategory = (name: string): LogScope | undefined => {
  const context = contexts.find((candidate) => categoryOf(candidate) === name)
  return context && { name: `category ${name}`, partitions: partitionsOf([topics[context.topic]]) }
}

/** All events of one type, by the name of its newest record. */
export const findTypeStream = (type: string): LogScope | undefined => {
  const carrying = eventTopics().filter(({ recordTypes }) => isEventType(type) && recordTypes.includes(type))
  if (carrying.length === 0) return undefined
  return { name: `type ${type}`, partitions: partitionsOf(carrying), types: storedTypesOf(type) }
}
