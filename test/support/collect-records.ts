import { randomUUID } from 'node:crypto'
import { connectKafka, startConsumer, type KafkaRecord } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'

/** Everything a topic has and gets, of each partition in its order. */
export type Collector = { records(): readonly KafkaRecord[]; stop(): Promise<void> }

export const collectRecords = async (broker: string, topic: string): Promise<Collector> => {
  const records: KafkaRecord[] = []
  const consumer = await startConsumer({
    connection: connectKafka({ brokers: [broker], clientId: 'test-collector', logger: silentLogger }),
    groupId: `test-collector.${randomUUID()}`,
    topics: [topic],
    logger: silentLogger,
    source: {
      open: async () => ({
        nextOffset: 0n,
        apply: async (batch) => {
          records.push(...batch)
          return { type: 'applied', nextOffset: (batch.at(-1)?.offset ?? -1n) + 1n }
        },
        close: async () => undefined,
      }),
    },
  })
  return { records: () => records, stop: () => consumer.stop() }
}
