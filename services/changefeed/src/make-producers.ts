import {
  fetchEndOffsets,
  listExistingTopics,
  makeFencedProducer,
  type FencedProducer,
  type KafkaConnection,
} from '@millrace/kafka'
import { PlatformError } from '@millrace/runtime'

/** One for each partition of a topic that is there. Throws KAFKA_UNKNOWN_TOPIC for another: nobody makes it here. */
export const makeProducers = async (kafka: KafkaConnection, topic: string): Promise<FencedProducer[]> => {
  const existing = await listExistingTopics(kafka)
  if (!existing.includes(topic)) {
    const message = `there is no topic ${topic}: run \`millrace setup\` with the same CHANGEFEEDS`
    throw new PlatformError({ code: 'KAFKA_UNKNOWN_TOPIC', message, retryable: true })
  }
  const partitions = [...(await fetchEndOffsets(kafka, topic)).keys()].toSorted((one, other) => one - other)
  return partitions.map((partition) =>
    makeFencedProducer(kafka, {
      ...{ topic, partition },
      transactionalId: `millrace.changefeed.${topic}.${partition}`,
    }),
  )
}
