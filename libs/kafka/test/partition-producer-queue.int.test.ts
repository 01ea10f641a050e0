import { afterEach, describe, expect, it } from '@jest/globals'
import type { PlatformError } from '@millrace/runtime'
import { fetchEndOffsets } from '../src/admin.ts'
import { type PartitionProducer, type QueueBounds, makePartitionProducer } from '../src/partition-producer.ts'
import { connect, createTopic, messageOf, range, stopAll } from './kafka-fixture.ts'
import { load, patchProduce, restoreKafkajs, swallowNext } from './patch-kafkajs.ts'
import { readRecords } from './read-records.ts'

const { KafkaJSNonRetriableError } = load('kafkajs') as typeof import('kafkajs')

const connection = connect()
let producer: PartitionProducer | undefined

afterEach(async () => {
  restoreKafkajs()
  await stopAll()
  await producer?.close()
})

const setUp = async (bounds: QueueBounds = {}) => {
  const topic = await createTopic(connection, 1)
  producer = makePartitionProducer(connection, { topic, partition: 0, ...bounds })
  const end = async () => (await fetchEndOffsets(connection, topic)).get(0)
  return { topic, producer, end }
}

/** The first request does not go before `goOn`, or fails as told. Counts the requests that were made. */
const holdFirst = () => {
  const held = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  let requests = 0
  patchProduce(
    (original) =>
      async function (...input) {
        requests += 1
        arrived.resolve()
        await held.promise
        return original.apply(this, input)
      },
  )
  return {
    arrived: arrived.promise,
    goOn: held.resolve,
    fail: () => held.reject(new KafkaJSNonRetriableError('cannot be')),
    requests: () => requests,
  }
}

const codeOf = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => 'sent',
    (error: PlatformError) => error.code,
  )

const refused = { code: 'KAFKA_BUSY', retryable: true }
const MIB = 1024 * 1024

describe('sends that wait', () => {
  it('fail at once when there would be too much of them, and those that were taken are done', async () => {
    const { producer, end } = await setUp({ maxWaitingBytes: 3_000 })
    const { arrived, goOn } = holdFirst()
    const sends = [producer.send([messageOf(0, 5_000)])]
    await arrived
    sends.push(producer.send([messageOf(1, 2_000)]))
    await expect(producer.send([messageOf(2, 2_000)])).rejects.toMatchObject(refused)
    sends.push(producer.send([messageOf(3)]))
    goOn()
    expect(await Promise.all(sends)).toEqual(range(0, 3).map((baseOffset) => ({ baseOffset })))
    expect(await end()).toBe(3n)
    expect(await producer.send([messageOf(4, 5_000)])).toEqual({ baseOffset: 3n })
  })

  it('count with keys and headers', async () => {
    const { producer } = await setUp({ maxWaitingBytes: 3_000 })
    const { arrived, goOn } = holdFirst()
    const large = { key: 'ü'.repeat(600), value: null, headers: { name: 'x'.repeat(800) } }
    const first = producer.send([messageOf(0)])
    await arrived
    const second = producer.send([messageOf(1)])
    await expect(producer.send([large, large])).rejects.toMatchObject(refused)
    goOn()
    await Promise.all([first, second])
  })

  it('may have 16 MiB when nothing else is said', async () => {
    const { producer } = await setUp()
    const { arrived, fail } = holdFirst()
    const message = messageOf(0, 0.75 * MIB)
    const first = producer.send([message])
    await arrived
    const waiting = Array.from({ length: 30 }, () => producer.send([message]))
    const outcomes = Promise.all([first, ...waiting].map(codeOf))
    fail()
    const codes = await outcomes
    expect(codes.filter((code) => code === 'KAFKA_SEND_ABANDONED')).toHaveLength(21)
    expect(codes.filter((code) => code === 'KAFKA_BUSY')).toHaveLength(9)
  })

  it('go in a request each, unless it is asked otherwise', async () => {
    const { producer } = await setUp()
    const { arrived, goOn, requests } = holdFirst()
    const sends = [0, 1, 2].map((number) => producer.send([messageOf(number)]))
    await arrived
    goOn()
    await Promise.all(sends)
    expect(requests()).toBe(3)
  })

  it('go in one request where it is asked, in order, and each hears its own base offset', async () => {
    const { producer, topic } = await setUp({ maxTogetherBytes: MIB })
    const { arrived, goOn, requests } = holdFirst()
    const sends = [producer.send([messageOf(0)])]
    await arrived
    for (const numbers of [[1, 2], [3], [4, 5, 6], [7]])
      sends.push(producer.send(numbers.map((number) => messageOf(number))))
    goOn()
    const offsets = (await Promise.all(sends)).map(({ baseOffset }) => baseOffset)
    expect(offsets).toEqual([0n, 1n, 3n, 4n, 7n])
    expect(requests()).toBe(2)
    expect(await producer.send([messageOf(8)])).toEqual({ baseOffset: 8n })
    expect((await readRecords(topic, 9)).map(({ key }) => String(key))).toEqual(
      range(0, 9).map((number) => `key-${number}`),
    )
  })

  it('are no more together than they may be', async () => {
    const { producer } = await setUp({ maxTogetherBytes: 5_000 })
    const { arrived, goOn, requests } = holdFirst()
    const first = producer.send([messageOf(0)])
    await arrived
    const others = [2_000, 2_000, 2_000, 9_000, 10].map((bytes, index) =>
      producer.send([messageOf(index + 1, bytes)]),
    )
    goOn()
    expect(await Promise.all([first, ...others])).toEqual(range(0, 6).map((baseOffset) => ({ baseOffset })))
    expect(requests()).toBe(1 + 4)
  })

  it('fail with the request that they went in, and those behind it were not made', async () => {
    const { producer, end } = await setUp({ maxTogetherBytes: 5_000 })
    const { arrived, fail } = holdFirst()
    const sends = [1_000, 1_000, 9_000].map((bytes, index) => producer.send([messageOf(index, bytes)]))
    const outcomes = Promise.all(sends.map(codeOf))
    await arrived
    fail()
    const codes = await outcomes
    expect(codes).toEqual(['KAFKA_UNAVAILABLE', 'KAFKA_UNAVAILABLE', 'KAFKA_SEND_ABANDONED'])
    restoreKafkajs()
    expect(await producer.send([messageOf(3)])).toEqual({ baseOffset: 0n })
    expect(await end()).toBe(1n)
  })
})

describe('a send that is answered with an offset of before', () => {
  it('was swallowed, if the producer had sent before: it fails, and may be repeated', async () => {
    const { producer, end } = await setUp()
    await producer.send([messageOf(0)])
    swallowNext(0)
    await expect(producer.send([messageOf(1)])).rejects.toMatchObject({
      code: 'KAFKA_SEND_SWALLOWED',
      retryable: true,
    })
    expect(await producer.send([messageOf(1)])).toEqual({ baseOffset: 1n })
    expect(await end()).toBe(2n)
  })

  it('tells that the topic went back, if the producer is a new one', async () => {
    const { producer } = await setUp()
    await producer.send([messageOf(0)])
    const { arrived, fail } = holdFirst()
    const failed = producer.send([messageOf(1)])
    await arrived
    fail()
    await expect(failed).rejects.toMatchObject({ retryable: true })
    restoreKafkajs()
    swallowNext(0)
    await expect(producer.send([messageOf(1)])).rejects.toMatchObject({
      code: 'KAFKA_OFFSET_WENT_BACK',
      retryable: false,
    })
  })
})
