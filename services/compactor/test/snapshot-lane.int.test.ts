import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { processState } from '@millrace/domain'
import { makeInMemoryCodec, tombstonesTrustedMs, toHeaders, type Codec } from '@millrace/events'
import { makeFencedProducer, makePartitionProducer, type FencedProducer } from '@millrace/kafka'
import { connectMongo, ensureStoreIndexes, mongoProjectionStore, type MongoConnection } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import type { SnapshotLaneDeps } from '../src/table-snapshots/snapshot-lane.ts'
import { keyOf, snapshotRig, type Compacting, type SnapshotRig } from './snapshot-rig.ts'

const SNAPSHOTS = 'process.state.snapshot'

/** A compactor that ends before it sends, after it has sent, or between two sends. */
const dying = (mongo: MongoConnection, how: string): Partial<SnapshotLaneDeps> => {
  const checkpoints = mongoProjectionStore(mongo)
  if (how === 'feed') return {}
  let moves = 0
  return {
    checkpoints: {
      claim: checkpoints.claim,
      read: checkpoints.read,
      commit: async (...[id, batch]: Parameters<typeof checkpoints.commit>) => {
        moves += 1
        const isSending = id.topic === SNAPSHOTS
        if (how === 'die before' && isSending) throw new Error('killed')
        if (how === 'die after' && !isSending) throw new Error('killed')
        const outcome = await checkpoints.commit(id, batch)
        if (how === 'die between' && moves === 1) throw new Error('killed')
        return outcome
      },
    },
  }
}

describe('snapshots of a table', () => {
  let kafka: OwnServer
  let mongo: MongoConnection
  let codec: Codec
  let rig: SnapshotRig
  /** Each test has one of its own. */
  let partition = -1

  beforeAll(async () => {
    kafka = await startOwnServer('kafka')
    codec = await makeInMemoryCodec()
    const database = `test-snapshots-${randomUUID().slice(0, 8)}`
    mongo = await connectMongo({ url: process.env['MONGO_URL'] ?? '', database, clientName: 'snapshots' })
    await ensureStoreIndexes(mongo)
    rig = await snapshotRig({ kafka: kafka.url, mongo, codec })
  })
  afterAll(async () => {
    await mongo.db.dropDatabase()
    await mongo.close()
    await kafka.stop()
  })
  beforeEach(() => {
    partition += 1
  })
  afterEach(() => rig.closeAll())

  /** What was written to the snapshot, in this order: key and beat of values, key alone of tombstones, and the markers. */
  const written = async (): Promise<unknown[]> => {
    const records = await rig.records(SNAPSHOTS, partition)
    await codec.ensureWriters(records.flatMap(({ value }) => (value ? [codec.writerIdOf(value)] : [])))
    return records.map(({ key, value }) => {
      const event = value && codec.decode(SNAPSHOTS, value)
      if (event?.type === 'SnapshotTaken') return event.data.nextOffset
      if (event?.type !== 'ProcessStateSnapshot') return String(key)
      return [event.data.doc.pid, event.data.doc.beat, event.data._v]
    })
  }

  /** Of no key there is an older value behind a newer one. */
  const expectNothingWentBack = async (): Promise<void> => {
    const newest = new Map<unknown, number>()
    for (const entry of await written()) {
      if (!Array.isArray(entry)) continue
      const [pid, , v] = entry as number[]
      expect(v).toBeGreaterThanOrEqual(newest.get(pid) ?? -1)
      newest.set(pid, v ?? -1)
    }
  }

  const expectSameAsSource = async (): Promise<void> =>
    expect(await rig.load(partition, 'snapshot')).toEqual(await rig.load(partition, 'source'))

  it('have the last value of each key that has changed, and then where to read on', async () => {
    await rig.write(partition, [
      [1, 10],
      [2, 20],
      [1, 11],
    ])
    const lane = await rig.open(partition)
    await lane.feed()
    expect(await written()).toEqual([[2, 20, 1], [1, 11, 2], 3])
    await rig.write(partition, [[2, 21]])
    await lane.feed()
    expect((await written()).slice(3)).toEqual([[2, 21, 3], 4])
    expect(lane.passes).toEqual([
      { values: 2, unreadable: 0 },
      { values: 1, unreadable: 0 },
    ])
  })

  it('tell a value’s key, its table’s time and its offset', async () => {
    await rig.write(partition, [[7, 70]])
    await (await rig.open(partition)).feed()
    const [{ value, key, headers } = { value: null, key: null, headers: {} }] = await rig.records(
      SNAPSHOTS,
      partition,
    )
    await codec.ensureWriters(value ? [codec.writerIdOf(value)] : [])
    expect(value && codec.decode(SNAPSHOTS, value).data).toMatchObject({
      ...{ _key: 'm-1:node:7', _ts: 70, _v: 0 },
      doc: { pid: 7, beat: 70, status: 'alive' },
    })
    expect(String(key)).toBe(keyOf(7))
    expect(headers).toMatchObject({ ce_tenant: 'demo', ce_subject: 'processes.process-m-1:node:7' })
  })

  it('have no key any more that is gone', async () => {
    await rig.write(partition, [
      [1, 10],
      [2, 20],
    ])
    const lane = await rig.open(partition)
    await lane.feed()
    await rig.write(partition, [[1, null]])
    await lane.feed()
    expect((await written()).slice(3)).toEqual([keyOf(1), 3])
    const { values } = await rig.load(partition, 'snapshot')
    expect([...values.keys()]).toEqual([keyOf(2)])
    await expectSameAsSource()
  })

  it('leave out what cannot be read', async () => {
    await rig.write(partition, [[1, 10]])
    const producer = makePartitionProducer(rig.kafka, { topic: processState.topic, partition })
    await producer.send([{ key: keyOf(2), value: Buffer.from('no avro'), headers: {} }])
    await producer.close()
    const lane = await rig.open(partition)
    await lane.feed()
    expect(lane.passes).toEqual([{ values: 1, unreadable: 1 }])
    expect(await written()).toEqual([[1, 10, 0], 2])
  })

  it('are taken by the clock, without waiting for more', async () => {
    const lane = await rig.open(partition, { everyMs: 10, maxPendingBytes: Infinity })
    await rig.write(partition, [[1, 10]])
    await lane.feed()
    await eventually(
      () => lane.passes,
      (passes) => passes.length === 1,
    )
    expect(await written()).toEqual([[1, 10, 0], 1])
  })

  it('with what came since are what the whole topic is, wherever passes end and whoever died in one', async () => {
    const step = fc.record({
      values: fc.array(fc.tuple(fc.nat(5), fc.option(fc.nat(1_000))), { minLength: 1, maxLength: 8 }),
      then: fc.constantFrom('feed', 'nothing', 'die before', 'die after', 'die between'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        partition += 1
        for (const { values, then } of steps) {
          await rig.write(partition, values)
          if (then === 'nothing') continue
          const lane = await rig.open(partition, dying(mongo, then))
          await lane.feed().catch(() => undefined)
          await lane.close()
          await expectSameAsSource()
        }
        await (await rig.open(partition)).feed()
        await expectSameAsSource()
        await expectNothingWentBack()
      }),
      { numRuns: 6 },
    )
  })

  /** One whose producer stops when it is about to begin, or with everything read and nothing sent. */
  const freezing = (where: 'before the fence' | 'behind it') => {
    const reached = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const halt = async (): Promise<void> => {
      reached.resolve()
      await released.promise
    }
    const makeProducer = (at: { topic: string; partition: number }): FencedProducer => {
      const producer = makeFencedProducer(rig.kafka, {
        ...at,
        transactionalId: `test.${at.topic}.${at.partition}`,
      })
      return {
        close: () => producer.close(),
        publish: async (read) => {
          if (where === 'before the fence') await halt()
          return producer.publish(async () => {
            const messages = await read()
            if (where === 'behind it') await halt()
            return messages
          })
        },
      }
    }
    return { given: { makeProducer }, reached: reached.promise, release: () => released.resolve() }
  }

  it.each(['before the fence', 'behind it'] as const)(
    'are never those of a compactor that was frozen %s',
    async (where) => {
      await rig.write(partition, [[1, 10]])
      const frozen = freezing(where)
      const first = await rig.open(partition, frozen.given)
      const late = first.feed()
      await frozen.reached
      await rig.write(partition, [[1, 11]])
      const second = await rig.open(partition)
      await second.feed()
      frozen.release()
      expect(await late).toEqual({ type: 'fenced' })
      expect(await written()).toEqual([[1, 11, 1], 2])
      await rig.write(partition, [[1, 12]])
      // One that woke up had begun, and fenced who came after it: that one tries again.
      const again = await second.feed().catch(() => second.feed())
      expect(again).toMatchObject({ type: 'applied' })
      expect((await written()).at(-2)).toEqual([1, 12, 2])
      await expectSameAsSource()
    },
  )

  it('lose keys of which the source has not even a tombstone any more, after a long time away', async () => {
    await rig.write(partition, [[1, 10]])
    const before = await rig.open(partition)
    await before.feed()
    await before.close()
    // Its tombstone has come and gone.
    await putIntoSnapshot(2)
    await rig.write(partition, [[3, 30]])
    const soon = await rig.open(partition)
    await soon.close()
    expect((await rig.load(partition, 'snapshot')).values.has(keyOf(2))).toBe(true)
    await setBack(tombstonesTrustedMs + 60_000)
    await (await rig.open(partition)).feed()
    expect([...(await rig.load(partition, 'snapshot')).values.keys()]).toEqual([keyOf(1), keyOf(3)])
    await expectSameAsSource()
  })

  it('are given up when the source was created anew under them', async () => {
    let incarnation = 1
    await rig.write(partition, [[1, 10]])
    const lane = await rig.open(partition, { incarnationOf: async () => incarnation })
    await lane.feed()
    const repeats = await rig.records(processState.topic, partition)
    expect(await lane.apply(repeats)).toMatchObject({ type: 'applied' })
    incarnation = 2
    expect(await lane.apply(repeats)).toEqual({ type: 'fenced' })
  })

  it('are not written to a topic that was created anew under them', async () => {
    let incarnation = 1
    await rig.write(partition, [[1, 10]])
    const lane = await rig.open(partition, { incarnationOf: async () => incarnation })
    await lane.feed()
    incarnation = 2
    await rig.write(partition, [[2, 20]])
    expect(await lane.feed()).toEqual({ type: 'fenced' })
    expect(await written()).toEqual([[1, 10, 0], 1])
  })

  it('go on when the answer to a move of their books was lost', async () => {
    const checkpoints = mongoProjectionStore(mongo)
    let isLost = true
    const commit: typeof checkpoints.commit = async (...given) => {
      const outcome = await checkpoints.commit(...given)
      if (!isLost) return outcome
      isLost = false
      throw new Error('the answer was lost')
    }
    await rig.write(partition, [[1, 10]])
    const lane = await rig.open(partition, { checkpoints: { ...checkpoints, commit } })
    await expect(lane.feed()).rejects.toThrow('lost')
    await rig.write(partition, [[1, 11]])
    expect(await lane.feed()).toEqual({ type: 'applied', nextOffset: 2n })
    expect(await written()).toEqual([[1, 11, 1], 2])
  })

  it('are as old as what they have come to, while there is more', async () => {
    const takenAt = async (): Promise<number> => {
      const value = (await rig.records(SNAPSHOTS, partition)).at(-1)?.value ?? Buffer.alloc(0)
      await codec.ensureWriters([codec.writerIdOf(value)])
      const event = codec.decode(SNAPSHOTS, value)
      return event.type === 'SnapshotTaken' ? event.data.takenAt : Number.NaN
    }
    await rig.write(partition, [
      [1, 10],
      [2, 20],
    ])
    const lane = await rig.open(partition)
    const [first] = await rig.records(processState.topic, partition)
    await lane.apply(first ? [{ ...first, timestamp: 1_000 }] : [])
    expect(await takenAt()).toBe(1_000)
    const beforeMs = Date.now()
    await lane.feed()
    expect(await takenAt()).toBeGreaterThanOrEqual(beforeMs)
  })

  it('are made anew when a topic was created anew', async () => {
    await rig.write(partition, [[1, 10]])
    await (await rig.open(partition)).feed()
    await rig.closeAll()
    await putIntoSnapshot(2)
    const anew = await rig.open(partition, { incarnationOf: async () => 2 })
    await anew.feed()
    expect((await written()).slice(-3)).toEqual([keyOf(2), [1, 10, 0], 1])
  })

  const putIntoSnapshot = async (pid: number): Promise<void> => {
    const [entry] = await rig.records(SNAPSHOTS, partition)
    const producer = makePartitionProducer(rig.kafka, { topic: SNAPSHOTS, partition })
    const headers = toHeaders({
      ...{ id: randomUUID(), type: 'ProcessStateSnapshot', tenant: 'demo', version: 0, occurredAt: 0 },
      ...{ stream: `processes.process-m-1:node:${pid}`, actor: 'test', sequence: null, traceparent: null },
      ...{ correlationId: 'c', causationId: 'c' },
    })
    await producer.send([{ key: keyOf(pid), value: entry?.value ?? null, headers }])
    await producer.close()
  }

  const setBack = async (ms: number): Promise<void> => {
    const checkpoints = mongo.db.collection('checkpoints')
    await checkpoints.updateMany({ '_id.partition': partition }, { $set: { lastTs: Date.now() - ms } })
  }

  it('say how old the oldest change is that they lack', async () => {
    const sights: (number | undefined)[] = []
    const onPending = (_: number, sinceMs: number | undefined): void => void sights.push(sinceMs)
    const lane: Compacting = await rig.open(partition, { maxPendingBytes: Infinity, onPending })
    await rig.write(partition, [[1, 10]])
    const [{ timestamp } = { timestamp: 0 }] = await rig.records(processState.topic, partition)
    await lane.feed()
    expect(sights).toEqual([timestamp])
    await lane.close()
    expect(sights.at(-1)).toBeUndefined()
  })
})
