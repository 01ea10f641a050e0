import { makeFencedProducer, makePartitionProducer } from '@millrace/kafka'
import type { FencedOutcome, KafkaConnection, OutgoingMessage } from '@millrace/kafka'
import type { OutboxTopic, ShardId } from '@millrace/mongo'

/** Publishes what `read` gives. `published`: all of it is in Kafka for good; `fenced`: another one publishes now. */
export type Publisher = {
  publish(read: () => Promise<readonly OutgoingMessage[]>): Promise<FencedOutcome>
  close(): Promise<void>
}

export const isCompacted = ({ retention }: OutboxTopic): boolean => retention.type === 'compact'

/** What was frozen in its send comes late here, as a repeat of messages that are already there. */
const makePlainPublisher = (kafka: KafkaConnection, shard: ShardId): Publisher => {
  const producer = makePartitionProducer(kafka, shard)
  return {
    publish: async (read) => {
      const messages = await read()
      if (messages.length === 0) return 'nothing'
      await producer.send(messages)
      return 'published'
    },
    close: () => producer.close(),
  }
}

/** On a compacted topic the last record of a key is its value, so nothing may ever come late. */
export const makePublisher = (kafka: KafkaConnection, topic: OutboxTopic, partition: number): Publisher => {
  const shard = { topic: topic.name, partition }
  if (!isCompacted(topic)) return makePlainPublisher(kafka, shard)
  return makeFencedProducer(kafka, {
    ...shard,
    transactionalId: `millrace.outbox.${shard.topic}.${shard.partition}`,
  })
}
