import { afterEach, describe, expect, it } from '@jest/globals'
import { fetchEndOffsets } from '../src/admin.ts'
import { type PartitionProducer, makePartitionProducer } from '../src/partition-producer.ts'
import {
  connect,
  consume,
  createTopic,
  fill,
  messageOf,
  range,
  stopAll,
  uniqueName,
} from './kafka-fixture.ts'
import { load, patch, patchProduce, restoreKafkajs } from './patch-kafkajs.ts'
import { RecordingSource } from './recording-source.ts'
import { until } from './until.ts'

const { KafkaJSConnectionError, KafkaJSNonRetriableError } = load('kafkajs') as typeof import('kafkajs')

/** The broker does what it is asked, and its answer is lost, as often as told. */
const loseAnswers = (times: number): void => {
  let left = times
  patchProduce(
    (original) =>
      async function (...input) {
        const answer = await original.apply(this, input)
        if (left-- > 0) throw new KafkaJSConnectionError('answer lost')
        return answer
      },
  )
}

const failFetches = (times: number, error: Error): void => {
  let left = times
  patch(
    'kafkajs/src/consumer/consumerGroup.js',
    'fetch',
    (original) =>
      async function (...input) {
        if (left-- > 0) throw error
        return original.apply(this, input)
      },
  )
}

let producer: PartitionProducer | undefined

afterEach(async () => {
  restoreKafkajs()
  await stopAll()
  await producer?.close()
})

const setUp = async () => {
  const connection = connect()
  const topic = await createTopic(connection, 1)
  producer = makePartitionProducer(connection, { topic, partition: 0 })
  await producer.send([messageOf(0), messageOf(1)])
  const end = async () => (await fetchEndOffsets(connection, topic)).get(0)
  return { connection, topic, producer, end }
}

describe('a producer whose answer is lost', () => {
  it('writes the messages once', async () => {
    const { producer, end } = await setUp()
    loseAnswers(1)
    expect(await producer.send([messageOf(2)])).toEqual({ baseOffset: 2n })
    expect(await end()).toBe(3n)
  })

  it('fails retryably when it is lost again and again, and what is sent then is written', async () => {
    const { producer, end } = await setUp()
    loseAnswers(4)
    await expect(producer.send([messageOf(2)])).rejects.toMatchObject({
      code: 'KAFKA_UNAVAILABLE',
      retryable: true,
    })
    expect(await end()).toBe(3n)
    expect(await producer.send([messageOf(3)])).toEqual({ baseOffset: 3n })
    expect(await end()).toBe(4n)
  })
})

describe('a consumer whose fetches fail', () => {
  it('starts over and loses nothing while that may pass', async () => {
    const { connection, topic } = await setUp()
    const source = new RecordingSource()
    const { consumer, events } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('it has begun', () => source.total() === 2)
    failFetches(7, new KafkaJSConnectionError('connection lost'))
    await until(
      'it starts over',
      () => events.some((event) => event.type === 'crashed' && event.willRestart),
      60_000,
    )
    await fill(connection, { topic, partition: 0, count: 10 })
    await until('all are applied', () => source.total() === 12, 60_000)
    expect(source.offsets(0)).toEqual(range(0, 12))
    expect(consumer.state().type).toBe('running')
  }, 150_000)

  it('tells when kafkajs has given up for good', async () => {
    const { topic } = await setUp()
    const { consumer } = await consume({ topic, source: new RecordingSource(), groupId: uniqueName('group') })
    failFetches(1_000, new KafkaJSNonRetriableError('cannot be'))
    expect((await consumer.crashed).message).toBe('cannot be')
    expect(consumer.state().type).toBe('crashed')
    expect(consumer.lanes()).toEqual([])
  })
})
