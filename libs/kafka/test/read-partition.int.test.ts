import { describe, expect, it } from '@jest/globals'
import { connectKafka } from '../src/connect-kafka.ts'
import { makeFencedProducer } from '../src/fenced-producer.ts'
import type { KafkaRecord } from '../src/lane-source.ts'
import { type PartitionRange, readPartition } from '../src/read-partition.ts'
import { silentLogger } from '@millrace/runtime'
import { connect, createTopic, fill, messageOf, range, uniqueName } from './kafka-fixture.ts'

const connection = connect()
const MIB = 1024 * 1024

const readAll = async (wanted: PartitionRange): Promise<KafkaRecord[]> => {
  const all: KafkaRecord[] = []
  for await (const records of readPartition(connection, wanted)) all.push(...records)
  return all
}

describe('reading a partition without a group', () => {
  it('gives all records in order, over as many answers as it takes', async () => {
    const topic = await createTopic(connection, 2)
    await fill(connection, { topic, partition: 1, count: 6_000, valueBytes: 1_000 })
    const chunks: number[] = []
    const offsets: bigint[] = []
    for await (const records of readPartition(connection, { topic, partition: 1 })) {
      chunks.push(records.length)
      offsets.push(...records.map(({ offset }) => offset))
    }
    expect(offsets).toEqual(range(0, 6_000))
    expect(chunks.length).toBeGreaterThan(1)
  })

  it('gives what is in the range, and nothing else', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 100 })
    const read = await readAll({ topic, partition: 0, from: 20n, to: 30n })
    expect(read.map(({ offset }) => offset)).toEqual(range(20, 30))
    expect(read[0]).toMatchObject({ topic, partition: 0, headers: { number: '20' } })
    expect(await readAll({ topic, partition: 0, from: 100n })).toEqual([])
  })

  it('passes by what transactions leave behind', async () => {
    const topic = await createTopic(connection, 1, [{ name: 'cleanup.policy', value: 'compact' }])
    const producer = makeFencedProducer(connection, { topic, partition: 0, transactionalId: topic })
    for (const number of [1, 2]) await producer.publish(async () => [messageOf(number)])
    await producer.close()
    const read = await readAll({ topic, partition: 0 })
    expect(read.map(({ headers }) => headers['number'])).toEqual(['1', '2'])
  })

  it('reads a record that is larger than an answer', async () => {
    const topic = await createTopic(connection, 1, [{ name: 'max.message.bytes', value: String(12 * MIB) }])
    await fill(connection, { topic, partition: 0, count: 2, valueBytes: 5 * MIB })
    expect(await readAll({ topic, partition: 0 })).toHaveLength(2)
  })

  it('ends when its reader has enough', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 6_000, valueBytes: 1_000 })
    for await (const records of readPartition(connection, { topic, partition: 0 })) {
      expect(records.length).toBeLessThan(6_000)
      break
    }
  })

  it('says what is not there', async () => {
    const topic = uniqueName('none')
    await expect(readAll({ topic, partition: 0, from: 0n })).rejects.toMatchObject({
      code: 'KAFKA_UNKNOWN_TOPIC',
    })
    const small = await createTopic(connection, 1)
    await expect(readAll({ topic: small, partition: 7, from: 0n })).rejects.toMatchObject({
      code: 'KAFKA_UNKNOWN_PARTITION',
    })
    await expect(readAll({ topic: small, partition: 0, from: 5n })).rejects.toMatchObject({
      retryable: true,
    })
  })

  it('says that Kafka does not answer', async () => {
    const nobody = connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'nobody', logger: silentLogger })
    const reading = readPartition(nobody, { topic: 'any', partition: 0, from: 0n }).next()
    await expect(reading).rejects.toMatchObject({ retryable: true })
  })
})
