import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import { fetchEndOffsets } from '../src/admin.ts'
import { connectKafka, kafkaOf } from '../src/connect-kafka.ts'
import { type FencedProducer, makeFencedProducer } from '../src/fenced-producer.ts'
import type { KafkaRecord } from '../src/lane-source.ts'
import { makePartitionProducer } from '../src/partition-producer.ts'
import type { OutgoingMessage } from '../src/partition-send.ts'
import { connect, consume, createTopic, stopAll, uniqueName } from './kafka-fixture.ts'
import { load, patchBroker, restoreKafkajs, swallowNext } from './patch-kafkajs.ts'
import { RecordingSource, doneWith } from './recording-source.ts'
import { until } from './until.ts'

const { KafkaJSConnectionError } = load('kafkajs') as typeof import('kafkajs')

const END = 'end of test'
const connection = connect()
let topic: string
let producers: FencedProducer[]

beforeEach(async () => {
  producers = []
  topic = await createTopic(connection, 2, [{ name: 'cleanup.policy', value: 'compact' }])
})

afterEach(async () => {
  restoreKafkajs()
  await stopAll()
  await Promise.all(producers.map((producer) => producer.close()))
})

const make = (on = connection): FencedProducer => {
  const options = { topic, partition: 1, transactionalId: `test.${topic}.1` }
  const producer = makeFencedProducer(on, options)
  producers.push(producer)
  return producer
}

const valued = (value: string): OutgoingMessage => ({ key: 'k', value: Buffer.from(value), headers: {} })
const reading =
  (...values: string[]) =>
  async (): Promise<OutgoingMessage[]> =>
    values.map(valued)

/** A `read` that waits before it gives what it has read. */
const heldReading = (...values: string[]) => {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const read = async (): Promise<OutgoingMessage[]> => {
    reached.resolve()
    await released.promise
    return values.map(valued)
  }
  return { read, reached: reached.promise, release: () => released.resolve() }
}

/** All records of the partition, as our consumers see them: committed or not. */
const records = async (): Promise<KafkaRecord[]> => {
  const marker = makePartitionProducer(connection, { topic, partition: 1 })
  await marker.send([valued(END)])
  await marker.close()
  const seen: KafkaRecord[] = []
  const source = new RecordingSource()
  source.apply = (batch) => {
    seen.push(...batch)
    return doneWith(batch)
  }
  await consume({ topic, source, groupId: uniqueName('group') })
  await until('the end is read', () => String(seen.at(-1)?.value) === END)
  return seen.slice(0, -1)
}

const values = async (): Promise<string[]> => (await records()).map(({ value }) => String(value))

const committedValues = async (): Promise<string[]> => {
  const seen: string[] = []
  const consumer = kafkaOf(connection).consumer({
    groupId: uniqueName('group'),
    readUncommitted: false,
    maxWaitTimeInMs: 100,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) })
  try {
    await until('the end is read', () => seen.at(-1) === END)
  } finally {
    await consumer.disconnect()
  }
  return seen.slice(0, -1)
}

/** The broker does what it is asked, and its answer is lost, once. */
const loseAnswerOf = (name: string): void => {
  let left = 1
  patchBroker(
    name,
    (original) =>
      async function (...input) {
        const answer = await original.apply(this, input)
        if (left-- > 0) throw new KafkaJSConnectionError('answer lost')
        return answer
      },
  )
}

/** The first such call waits before it goes to the broker. */
const holdFirst = (name: string) => {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let holds = 1
  patchBroker(
    name,
    (original) =>
      async function (...input) {
        reached.resolve()
        if (holds-- > 0) await released.promise
        return original.apply(this, input)
      },
  )
  return { reached: reached.promise, release: () => released.resolve() }
}

describe('a fenced producer', () => {
  it('writes what was read to its partition, in order, as it was', async () => {
    const producer = make()
    const tombstone = { key: 'gone', value: null, headers: { id: '7' }, timestamp: 1_700_000_000_000 }
    expect(await producer.publish(async () => [valued('1'), tombstone])).toBe('published')
    expect(await producer.publish(reading('2', '3'))).toBe('published')
    const seen = await records()
    expect(seen.map(({ partition, value }) => [partition, value && String(value)])).toEqual([
      [1, '1'],
      [1, null],
      [1, '2'],
      [1, '3'],
    ])
    expect(seen[1]).toMatchObject({ timestamp: tombstone.timestamp, headers: { id: '7' } })
    expect(String(seen[1]?.key)).toBe('gone')
  })

  it('commits: readers of committed records see it too', async () => {
    await make().publish(reading('1'))
    expect(await values()).toEqual(['1'])
    expect(await committedValues()).toEqual(['1'])
  })

  it('reads after everybody before it was fenced, not before', async () => {
    const former = make()
    await former.publish(reading('1'))
    const outcome = await make().publish(async () => {
      expect(await former.publish(reading('2'))).toBe('fenced')
      return [valued('3')]
    })
    expect(outcome).toBe('published')
    expect(await values()).toEqual(['1', '3'])
  })

  it('frozen between begin and send writes nothing once another has begun', async () => {
    const frozen = heldReading('old')
    const zombie = make().publish(frozen.read)
    await frozen.reached
    expect(await make().publish(reading('new'))).toBe('published')
    frozen.release()
    expect(await zombie).toBe('fenced')
    expect(await values()).toEqual(['new'])
  })

  it('that has written before is fenced all the same', async () => {
    const zombie = make()
    await zombie.publish(reading('1'))
    const frozen = heldReading('old')
    const late = zombie.publish(frozen.read)
    await frozen.reached
    await make().publish(reading('new'))
    frozen.release()
    expect(await late).toBe('fenced')
    expect(await values()).toEqual(['1', 'new'])
  })

  it.each([
    ['on its way to the partition', 'produce', ['new'], ['new']],
    ['between send and commit', 'endTxn', ['old', 'new'], ['new']],
  ])('frozen %s writes and commits nothing more', async (_, call, written, committed) => {
    const frozen = holdFirst(call)
    const zombie = make().publish(reading('old'))
    await frozen.reached
    expect(await make().publish(reading('new'))).toBe('published')
    frozen.release()
    expect(await zombie).toBe('fenced')
    expect(await values()).toEqual(written)
    expect(await committedValues()).toEqual(committed)
  })

  it('fences also when it then has nothing to write', async () => {
    const former = make()
    await former.publish(reading('1'))
    expect(await make().publish(reading())).toBe('nothing')
    expect(await former.publish(reading('2'))).toBe('fenced')
  })

  it('goes on after it had nothing to write', async () => {
    const producer = make()
    expect(await producer.publish(reading())).toBe('nothing')
    expect(await producer.publish(reading('1'))).toBe('published')
    expect(await producer.publish(reading())).toBe('nothing')
    expect(await values()).toEqual(['1'])
  })

  it('is spent once it was fenced: it never begins again', async () => {
    const former = make()
    await former.publish(reading('1'))
    const heir = make()
    await heir.publish(reading('2'))
    expect(await former.publish(reading('3'))).toBe('fenced')
    await expect(former.publish(reading('3'))).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_CLOSED' })
    expect(await heir.publish(reading('4'))).toBe('published')
  })

  it('throws what read throws, and is spent', async () => {
    const fault = new Error('no database')
    const producer = make()
    await producer.publish(reading('1'))
    await expect(producer.publish(() => Promise.reject(fault))).rejects.toBe(fault)
    await expect(producer.publish(reading('2'))).rejects.toMatchObject({ code: 'KAFKA_PRODUCER_CLOSED' })
    expect(await make().publish(reading('2'))).toBe('published')
    expect(await values()).toEqual(['1', '2'])
  })

  it('writes a batch once although the answer to its send was lost', async () => {
    const producer = make()
    loseAnswerOf('produce')
    expect(await producer.publish(reading('1', '2'))).toBe('published')
    expect(await values()).toEqual(['1', '2'])
  })

  it('does not call a batch published that was answered with an offset of before', async () => {
    const producer = make()
    await producer.publish(reading('1'))
    swallowNext(1)
    await expect(producer.publish(reading('2'))).rejects.toMatchObject({
      code: 'KAFKA_SEND_SWALLOWED',
      retryable: true,
    })
    expect(await make().publish(reading('2'))).toBe('published')
    expect(await values()).toEqual(['1', '2'])
  })

  it('does not call a batch published when the answer to its commit was lost', async () => {
    loseAnswerOf('endTxn')
    await expect(make().publish(reading('1'))).rejects.toMatchObject({ retryable: true })
    expect(await make().publish(reading('1'))).toBe('published')
    expect(await values()).toEqual(['1', '1'])
  })

  it('fails for good on a message that is too large; the next one goes on', async () => {
    const large = { ...valued('x'), value: Buffer.alloc(6 * 1024 * 1024) }
    await expect(make().publish(async () => [large])).rejects.toMatchObject({
      code: 'KAFKA_MESSAGE_TOO_LARGE',
      retryable: false,
    })
    expect(await make().publish(reading('1'))).toBe('published')
    expect(await values()).toEqual(['1'])
  })

  it('publishes batch after batch without a word in the log', async () => {
    const said: unknown[] = []
    const logger = Object.create(silentLogger, {
      warn: { value: (...words: unknown[]) => said.push(words) },
      error: { value: (...words: unknown[]) => said.push(words) },
    }) as typeof silentLogger
    const brokers = [...connection.brokers]
    // A topic that was just made may be refused at first, with words.
    await make().publish(reading('first'))
    const producer = make(connectKafka({ brokers, clientId: 'test', logger }))
    for (let batch = 0; batch < 20; batch += 1)
      expect(await producer.publish(reading(String(batch)))).toBe('published')
    expect(said).toEqual([])
  })

  it('never creates a topic', async () => {
    topic = uniqueName('missing')
    await expect(make().publish(reading('1'))).rejects.toMatchObject({ code: 'KAFKA_UNKNOWN_TOPIC' })
  })

  it('fails retryably where there is no Kafka', async () => {
    const nowhere = connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'c', logger: silentLogger })
    await expect(make(nowhere).publish(reading('1'))).rejects.toMatchObject({
      code: 'KAFKA_UNAVAILABLE',
      retryable: true,
    })
  })

  it('closes after the batch in hand', async () => {
    const frozen = heldReading('1')
    const producer = make()
    const published = producer.publish(frozen.read)
    await frozen.reached
    const closed = producer.close()
    frozen.release()
    await closed
    expect(await published).toBe('published')
    // One record and the mark of its commit.
    expect((await fetchEndOffsets(connection, topic)).get(1)).toBe(2n)
  })
})
