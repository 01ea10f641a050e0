import { afterEach, describe, expect, it } from '@jest/globals'
import type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from '../src/lane-source.ts'
import { connect, consume, createTopic, fill, range, stopAll, uniqueName } from './kafka-fixture.ts'
import { until } from './until.ts'

const connection = connect()
const PARTITIONS = 4
const COUNT = 3_000

afterEach(stopAll)

/** Checkpoints that several consumers share, as in MongoDB: a claim raises the epoch, and an older epoch is fenced. */
class SharedCheckpoints {
  readonly applied = new Map<number, bigint[]>()
  readonly #rows = new Map<number, { epoch: number; nextOffset: bigint }>()

  source(): LaneSource {
    return { open: (at) => Promise.resolve(this.#claim(at)) }
  }

  total(): number {
    return [...this.applied.values()].reduce((sum, { length }) => sum + length, 0)
  }

  #claim({ partition }: TopicPartition): LaneSession {
    const { epoch, nextOffset } = this.#rows.get(partition) ?? { epoch: 0, nextOffset: 0n }
    const mine = epoch + 1
    this.#rows.set(partition, { epoch: mine, nextOffset })
    return {
      nextOffset,
      apply: (records) => this.#apply(partition, mine, records),
      close: () => Promise.resolve(),
    }
  }

  async #apply(partition: number, epoch: number, records: readonly KafkaRecord[]): Promise<LaneOutcome> {
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#rows.get(partition)?.epoch !== epoch) return { type: 'fenced' }
    const offsets = records.map(({ offset }) => offset)
    const nextOffset = (offsets.at(-1) ?? -1n) + 1n
    this.#rows.set(partition, { epoch, nextOffset })
    this.applied.set(partition, [...(this.applied.get(partition) ?? []), ...offsets])
    return { type: 'applied', nextOffset }
  }
}

describe('a rebalance', () => {
  it('loses nothing, repeats nothing and keeps the order while members come and go', async () => {
    const topic = await createTopic(connection, PARTITIONS)
    const groupId = uniqueName('group')
    const checkpoints = new SharedCheckpoints()
    const limits = { maxBatchRecords: 20 }
    const first = await consume({ topic, source: checkpoints.source(), groupId, limits })
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await fill(connection, { topic, partition, count: COUNT })

    await until('work has begun', () => checkpoints.total() > 100)
    const second = await consume({ topic, source: checkpoints.source(), groupId, limits })
    await until(
      'both have partitions',
      () => first.consumer.lanes().length === 2 && second.consumer.lanes().length === 2,
    )
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      await fill(connection, { topic, partition, count: COUNT })
    await first.consumer.stop()
    await until('the other has all', () => second.consumer.lanes().length === PARTITIONS)

    await until('all are applied', () => checkpoints.total() >= PARTITIONS * COUNT * 2)
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      expect(checkpoints.applied.get(partition)).toEqual(range(0, COUNT * 2))
  })

  it('is not held up by a call that does not come back', async () => {
    const topic = await createTopic(connection, 2)
    for (const partition of [0, 1]) await fill(connection, { topic, partition, count: 10 })
    const groupId = uniqueName('group')
    const stuck = Promise.withResolvers<LaneOutcome>()
    const session: LaneSession = {
      nextOffset: 0n,
      apply: () => stuck.promise,
      close: () => Promise.resolve(),
    }
    const slow = await consume({ topic, source: { open: () => Promise.resolve(session) }, groupId })
    await until('both are in hand', () =>
      slow.consumer.lanes().every(({ queuedRecords }) => queuedRecords > 0),
    )
    const startedAt = performance.now()
    const other = await consume({ topic, source: new SharedCheckpoints().source(), groupId })
    await until('the partitions are shared', () => other.consumer.lanes().length === 1)
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    stuck.resolve({ type: 'fenced' })
  })
})
