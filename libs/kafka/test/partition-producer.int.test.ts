import type { Admin } from 'kafkajs'
import { afterEach, describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { fetchEndOffsets, withAdmin } from '../src/admin.ts'
import { connectKafka } from '../src/connect-kafka.ts'
import { type PartitionProducer, makePartitionProducer } from '../src/partition-producer.ts'
import { connect, createTopic, messageOf, stopAll, uniqueName } from './kafka-fixture.ts'
import { readRecords } from './read-records.ts'

const connection = connect()
const producers: PartitionProducer[] = []
const make = (topic: string, partition = 0): PartitionProducer => {
  const producer = makePartitionProducer(connection, { topic, partition })
  producers.push(producer)
  return producer
}

afterEach(async () => {
  await stopAll()
  await Promise.all(producers.splice(0).map((producer) => producer.close()))
})

const createNow = (admin: Admin, topic: string): Promise<boolean> =>
  admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }).catch(() => false)

const remake = (topic: string): Promise<void> =>
  withAdmin(connection, {
    doing: 'make the topic anew',
    async run(admin) {
      await admin.deleteTopics({ topics: [topic] })
      await eventually(() => createNow(admin, topic), Boolean, { timeoutMs: 40_000 })
    },
  })

describe('a partition producer', () => {
  it('writes to its partition and tells where', async () => {
    const topic = await createTopic(connection, 3)
    const producer = make(topic, 2)
    expect(await producer.send([messageOf(0), messageOf(1)])).toEqual({ baseOffset: 0n })
    expect(await producer.send([messageOf(2)])).toEqual({ baseOffset: 2n })
    expect((await fetchEndOffsets(connection, topic)).get(2)).toBe(3n)
  })

  it('does sends in the order of the calls', async () => {
    const topic = await createTopic(connection, 1)
    const producer = make(topic)
    const sends = Array.from({ length: 20 }, (_, number) => producer.send([messageOf(number)]))
    const offsets = (await Promise.all(sends)).map(({ baseOffset }) => baseOffset)
    expect(offsets).toEqual(offsets.map((_, index) => BigInt(index)))
  })

  it('keeps keys, values, headers and times as they were, years apart and compressed', async () => {
    const topic = await createTopic(connection, 1, [
      { name: 'message.timestamp.before.max.ms', value: '9223372036854775807' },
      { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
    ])
    const producer = makePartitionProducer(connection, { topic, partition: 0, compression: 'gzip' })
    producers.push(producer)
    const times = [1_700_000_000_000, 852_076_800_000, 5, 1_800_000_000_000]
    await producer.send(times.map((timestamp) => ({ key: 'k', value: null, headers: { a: 'b' }, timestamp })))
    const seen = await readRecords(topic, times.length)
    expect(seen.map(({ timestamp }) => timestamp)).toEqual(times)
    expect(seen[0]).toMatchObject({ key: Buffer.from('k'), value: null, headers: { a: 'b' } })
  })

  it('fails for good on a message that is too large, and works again after it', async () => {
    const topic = await createTopic(connection, 1, [{ name: 'max.message.bytes', value: '2000' }])
    const producer = make(topic)
    await producer.send([messageOf(0)])
    const failed = producer.send([messageOf(1, 5_000)])
    await expect(failed).rejects.toMatchObject({ code: 'KAFKA_MESSAGE_TOO_LARGE', retryable: false })
    expect(await producer.send([messageOf(2)])).toEqual({ baseOffset: 1n })
  })

  it('does not let a waiting send overtake the repetition of a failed one', async () => {
    const topic = await createTopic(connection, 1, [{ name: 'max.message.bytes', value: '2000' }])
    const producer = make(topic)
    const failed = producer.send([messageOf(0, 5_000)])
    const waiting = producer.send([messageOf(1)])
    await expect(failed).rejects.toMatchObject({ code: 'KAFKA_MESSAGE_TOO_LARGE' })
    await expect(waiting).rejects.toMatchObject({ code: 'KAFKA_SEND_ABANDONED', retryable: true })
    expect((await fetchEndOffsets(connection, topic)).get(0)).toBe(0n)
  })

  it('fails when the topic has gone back behind what it has written', async () => {
    const topic = await createTopic(connection, 1)
    const producer = make(topic)
    await producer.send([messageOf(0), messageOf(1), messageOf(2)])
    await remake(topic)
    await expect(producer.send([messageOf(3)])).rejects.toMatchObject({
      code: expect.stringMatching('KAFKA_SEND_SWALLOWED|KAFKA_PRODUCER_STATE|KAFKA_UNKNOWN_TOPIC'),
    })
  })

  it('never creates a topic', async () => {
    await expect(make(uniqueName('missing')).send([messageOf(0)])).rejects.toMatchObject({
      code: 'KAFKA_UNKNOWN_TOPIC',
    })
  })

  it('fails retryably where there is no Kafka', async () => {
    const nowhere = connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'c', logger: silentLogger })
    const producer = makePartitionProducer(nowhere, { topic: 't', partition: 0 })
    await expect(producer.send([messageOf(0)])).rejects.toMatchObject({
      code: 'KAFKA_UNAVAILABLE',
      retryable: true,
    })
    await producer.close()
  })

  it('refuses a send of nothing and a send after its end', async () => {
    const producer = make('t')
    await expect(producer.send([])).rejects.toMatchObject({ code: 'KAFKA_EMPTY_SEND' })
    await producer.close()
    await expect(producer.send([messageOf(0)])).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_CLOSED' })
  })
})
