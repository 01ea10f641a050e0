import { afterEach, describe, expect, it } from '@jest/globals'
import { fetchCommittedOffsets, withAdmin } from '../src/admin.ts'
import { kafkaOf } from '../src/connect-kafka.ts'
import type { ConsumerEvent } from '../src/consumer-event.ts'
import type { KafkaRecord } from '../src/lane-source.ts'
import type { PartitionConsumer } from '../src/partition-consumer.ts'
import { connect, consume, createTopic, fill, range, stopAll, uniqueName } from './kafka-fixture.ts'
import { RecordingSource, doneWith } from './recording-source.ts'
import { until } from './until.ts'

const connection = connect()

afterEach(stopAll)

const stateOf = (consumer: PartitionConsumer, partition: number): string | undefined =>
  consumer.lanes().find((lane) => lane.partition === partition)?.state.type

const has = (events: readonly ConsumerEvent[], type: ConsumerEvent['type']): boolean =>
  events.some((event) => event.type === type)

const deleteRecordsBelow = (topic: string, offset: string): Promise<void> =>
  withAdmin(connection, {
    doing: 'delete records',
    async run(admin) {
      await admin.fetchTopicOffsets(topic)
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] })
    },
  })

describe('a partition consumer', () => {
  it('applies every record of every partition in order', async () => {
    const topic = await createTopic(connection, 3)
    for (const partition of [0, 1, 2]) await fill(connection, { topic, partition, count: 2_000 })
    const source = new RecordingSource()
    const { consumer } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('all are applied', () => source.total() === 6_000)
    for (const partition of [0, 1, 2]) expect(source.offsets(partition)).toEqual(range(0, 2_000))
    await until('there is no lag', () => consumer.lanes().every(({ lag }) => lag === 0n))
    expect(Date.now() - consumer.lastProgressAtMs()).toBeLessThan(1_000)
  })

  it('goes on with what is written later', async () => {
    const topic = await createTopic(connection, 1)
    const source = new RecordingSource()
    await consume({ topic, source, groupId: uniqueName('group') })
    for (const total of [1, 2, 3]) {
      await fill(connection, { topic, partition: 0, count: 1 })
      await until('it is applied', () => source.total() === total)
    }
  })

  it('reads on where the source says, whatever the group has committed', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 100 })
    const groupId = uniqueName('group')
    const first = new RecordingSource()
    const { consumer } = await consume({ topic, source: first, groupId })
    await until('all are applied', () => first.total() === 100)
    await consumer.stop()
    expect((await fetchCommittedOffsets(connection, groupId, topic)).get(0)).toBe(100n)

    const second = new RecordingSource()
    second.checkpoints.set(`${topic}/0`, 30n)
    await consume({ topic, source: second, groupId })
    await until('the rest is applied', () => second.total() === 70)
    expect(second.offsets(0)).toEqual(range(30, 100))
  })

  it('gets the very records that another group of its process got, from wherever it begins', async () => {
    const topic = await createTopic(connection, 1)
    const got = [0, 1, 2].map(() => new Map<bigint, KafkaRecord>())
    const sources = got.map((records) => {
      const source = new RecordingSource()
      source.apply = (batch) => {
        for (const record of batch) records.set(record.offset, record)
        return doneWith(batch)
      }
      return source
    })
    const consumeNext = async (source: RecordingSource | undefined): Promise<void> => {
      if (source) await consume({ topic, source, groupId: uniqueName('group') })
    }
    await consumeNext(sources[0])
    await consumeNext(sources[1])
    await fill(connection, { topic, partition: 0, count: 100 })
    sources[2]?.checkpoints.set(`${topic}/0`, 30n)
    await consumeNext(sources[2])
    await until('all have all', () => sources.map((source) => source.total()).join() === '100,100,70')
    expect(sources[2]?.offsets(0)).toEqual(range(30, 100))
    const [first, ...others] = got
    for (const records of others)
      for (const [offset, record] of records) expect(record).toBe(first?.get(offset))
  })

  it('commits what it has in hand when it stops', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 10 })
    const groupId = uniqueName('group')
    const gate = Promise.withResolvers<void>()
    const source = new RecordingSource()
    source.apply = async (records) => {
      await gate.promise
      return doneWith(records)
    }
    const limits = { maxBatchRecords: 4, commitEveryMs: 60_000 }
    const { consumer } = await consume({ topic, source, groupId, limits })
    await until('a batch is in hand', () => source.calls.length === 1)
    const stopped = consumer.stop()
    gate.resolve()
    await stopped
    expect(consumer.state().type).toBe('stopped')
    expect(source.total()).toBe(4)
    expect((await fetchCommittedOffsets(connection, groupId, topic)).get(0)).toBe(4n)
  })

  it('pauses a slow partition, lets others flow, and loses nothing', async () => {
    const topic = await createTopic(connection, 2)
    await fill(connection, { topic, partition: 0, count: 3_000, valueBytes: 1_000 })
    await fill(connection, { topic, partition: 1, count: 500 })
    const source = new RecordingSource()
    const gate = Promise.withResolvers<void>()
    source.apply = async (records, { partition }) => {
      if (partition === 0) await gate.promise
      return doneWith(records)
    }
    const limits = { maxQueuedBytesPerLane: 500_000, maxBatchRecords: 100 }
    const { consumer, events } = await consume({ topic, source, groupId: uniqueName('group'), limits })
    await until('it is paused', () => has(events, 'fetch-paused'))
    await until('the other partition is done', () => source.offsets(1).length === 500)
    const queued = consumer.lanes().find(({ partition }) => partition === 0)?.queuedBytes ?? 0
    expect(queued).toBeLessThan(500_000 + 3 * 1024 * 1024)
    gate.resolve()
    await until('all are applied', () => source.offsets(0).length === 3_000)
    expect(source.offsets(0)).toEqual(range(0, 3_000))
    expect(has(events, 'fetch-resumed')).toBe(true)
  })

  it('applies records again after an error, without loss or reordering', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 1_000 })
    const source = new RecordingSource()
    let calls = 0
    source.apply = (records) => {
      calls += 1
      if (calls % 3 === 0) throw new Error('mongo is away')
      return doneWith(records)
    }
    await consume({ topic, source, groupId: uniqueName('group'), limits: { maxBatchRecords: 100 } })
    await until('all are applied', () => source.total() === 1_000)
    expect(source.offsets(0)).toEqual(range(0, 1_000))
  })

  it('claims a fenced partition again only after a heartbeat sent later', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 50 })
    const source = new RecordingSource()
    let isFenced = true
    source.apply = (records) => (isFenced ? { type: 'fenced' } : doneWith(records))
    const openedAtMs: number[] = []
    source.beforeOpen = () => Promise.resolve(void openedAtMs.push(Date.now()))
    const { events } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('it is fenced', () => source.calls.length === 1)
    isFenced = false
    const fencedAtMs = Date.now()
    await until('all are applied', () => source.total() === 50)
    const later = events.filter((event) => event.type === 'heartbeat' && event.sentAtMs >= fencedAtMs)
    expect(later.length).toBeGreaterThan(0)
    expect(openedAtMs).toHaveLength(2)
    const fencedEvent = events.findIndex(
      (event) => event.type === 'lane-changed' && event.state.type === 'fenced',
    )
    const types = events
      .slice(fencedEvent)
      .map((event) => (event.type === 'lane-changed' ? event.state.type : event.type))
    expect(types.indexOf('heartbeat')).toBeLessThan(types.indexOf('opening') + 2)
    expect(source.offsets(0)).toEqual(range(0, 50))
  })

  it('stops one partition without stopping the others', async () => {
    const topic = await createTopic(connection, 2)
    for (const partition of [0, 1]) await fill(connection, { topic, partition, count: 300 })
    const source = new RecordingSource()
    source.apply = (records, { partition }) =>
      partition === 0 ? { type: 'stopped', reason: 'sequence 7 is missing' } : doneWith(records)
    const { consumer } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('it is stopped', () => stateOf(consumer, 0) === 'stopped')
    await fill(connection, { topic, partition: 1, count: 300 })
    await until('the other flows on', () => source.offsets(1).length === 600)
    expect(source.calls.filter(({ at }) => at === `${topic}/0`)).toHaveLength(1)
    expect(consumer.lanes()[0]?.state).toEqual({ type: 'stopped', reason: 'sequence 7 is missing' })
  })

  it('reports a jump when Kafka no longer has what comes next', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 100 })
    await deleteRecordsBelow(topic, '60')
    const source = new RecordingSource()
    source.checkpoints.set(`${topic}/0`, 20n)
    const { events } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('the rest is applied', () => source.total() === 40)
    expect(source.offsets(0)).toEqual(range(60, 100))
    expect(events).toContainEqual({
      type: 'jumped',
      topic,
      partition: 0,
      expectedOffset: 20n,
      actualOffset: 60n,
    })
  })

  it('reports a jump when its checkpoint lies beyond the end of the topic', async () => {
    const topic = await createTopic(connection, 1)
    await fill(connection, { topic, partition: 0, count: 10 })
    const source = new RecordingSource()
    source.checkpoints.set(`${topic}/0`, 500n)
    const { events } = await consume({ topic, source, groupId: uniqueName('group') })
    await until('it starts over', () => source.total() === 10)
    expect(has(events, 'jumped')).toBe(true)
  })

  it('has no lag behind the marker of a transaction', async () => {
    const topic = await createTopic(connection, 1)
    const transactionalId = uniqueName('tx')
    const producer = kafkaOf(connection).producer({
      transactionalId,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const source = new RecordingSource()
    const { consumer } = await consume({ topic, source, groupId: uniqueName('group') })
    for (const total of [1, 2]) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: 'x' }] })
      await until('it is read before it is committed', () => source.total() === total)
      await transaction.commit()
    }
    await producer.disconnect()
    await until(
      'there is no lag',
      () => consumer.lanes()[0]?.lag === 0n && consumer.lanes()[0]?.nextOffset === 4n,
    )
  })

  it('refuses to start on a topic that does not exist, and does not create it', async () => {
    const start = consume({
      topic: uniqueName('missing'),
      source: new RecordingSource(),
      groupId: uniqueName('g'),
    })
    await expect(start).rejects.toMatchObject({ code: 'KAFKA_UNKNOWN_TOPIC' })
  })
})
