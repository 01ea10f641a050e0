import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import {
  connectMongo,
  maxOutboxBytes,
  mongoLeases,
  withTransaction,
  type MongoConnection,
  type OutboxRows,
} from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { makePublisher, type Publisher } from '../src/outbox/publisher.ts'
import { makeGate } from './gate.ts'
import { OutboxDesk, firstsOf, waysBack, type Retention, type Seen } from './outbox-desk.ts'

let servers: TestServers
let desk: OutboxDesk

beforeAll(async () => {
  servers = await prepareServers({ name: 'outbox' })
})
afterAll(() => servers.stop())
afterEach(() => desk.close())

/** The outbox with one of its calls done differently. */
const rowsWith = (changed: Partial<OutboxRows>): { rows: OutboxRows } => ({
  rows: { ...desk.rows, ...changed },
})

/** A publisher as in production, with its publish done differently. */
const publisherWith = (change: (inner: Publisher) => Publisher['publish']) => ({
  makePublisher: (...[topic, partition]: [Parameters<typeof makePublisher>[1], number]): Publisher => {
    const inner = makePublisher(desk.kafka, topic, partition)
    return { publish: change(inner), close: () => inner.close() }
  },
})

const failingOnce = <Args extends unknown[]>(work: (...args: Args) => Promise<void>) => {
  let failures = 1
  return async (...args: Args): Promise<void> => {
    if (failures-- > 0) throw new Error('failed on purpose')
    return work(...args)
  }
}

/** Four writers on two connections, each adding `count` values to each key. */
const writeConcurrently = async (keys: readonly string[], count: number): Promise<void> => {
  const { mongo: url, database } = servers
  const other = await connectMongo({ url, database, clientName: 'other' })
  const write = async (writer: string, through: MongoConnection): Promise<void> => {
    for (let at = 0; at < count; at += 1)
      for (const key of keys)
        await desk.add([desk.message(key, `${writer}/${String(at).padStart(3, '0')}`)], through)
  }
  const connections = [servers.mongoConnection, other, servers.mongoConnection, other]
  await Promise.all(connections.map((through, at) => write(`w${at}`, through)))
  await other.close()
}

describe.each<Retention>(['compact', 'time'])(
  'the outbox relay, on a topic of retention %s,',
  (retention) => {
    it('publishes what was committed, as it was, and purges it', async () => {
      desk = await OutboxDesk.open(servers, retention)
      const published: number[] = []
      desk.startRelay('a', { onPublished: (_, messages) => published.push(messages) })
      await desk.add([desk.message('k', 'value', { ce_id: '7' }), desk.message('gone', null)])
      const seen = await desk.sawMessages(2)
      await desk.isPurged()
      expect(await desk.rows.count()).toBe(0)
      await eventually(
        () => published,
        ({ length }) => length > 0,
      )
      expect(published).toEqual([2])
      const valued = desk.records().find(({ key }) => String(key) === 'k')
      const { number } = seen.find(({ key }) => key === 'k') ?? { number: 0 }
      expect(valued).toMatchObject({ value: Buffer.from('value'), headers: { ce_id: '7' } })
      expect(valued?.timestamp).toBe(Math.floor(number / 1_000))
      expect(seen.find(({ key }) => key === 'gone')?.value).toBeNull()
      expect(new Set(seen.map(({ id }) => id)).size).toBe(2)
    })

    it('publishes nothing of a transaction that was rolled back', async () => {
      desk = await OutboxDesk.open(servers, retention)
      desk.startRelay('a')
      const fault = new Error('changed my mind')
      const rolledBack = withTransaction(servers.mongoConnection, async (transaction) => {
        await desk.outbox().add(transaction, desk.message('k', 'never'), desk.message('j', 'never'))
        throw fault
      })
      await expect(rolledBack).rejects.toBe(fault)
      await desk.addValue('j', 'value')
      await desk.saw('j', 'value')
      expect(desk.seen().map(({ key, value }) => `${key}=${value}`)).toEqual(['j=value'])
    })

    it('publishes the largest messages that it takes, several at a time', async () => {
      desk = await OutboxDesk.open(servers, retention)
      const room = maxOutboxBytes(desk.topic)
      await desk.add(['a', 'b', 'c'].map((key) => desk.message(key, 'x'.repeat(room - 1))))
      desk.startRelay('a')
      await desk.isPurged()
      const seen = await desk.sawMessages(3)
      expect(seen.map(({ key, value }) => key.length + (value?.length ?? 0))).toEqual([room, room, room])
    })

    it('goes on where another one stopped, in order', async () => {
      desk = await OutboxDesk.open(servers, retention)
      const first = desk.startRelay('a')
      await desk.addValue('k', '1')
      await desk.saw('k', '1')
      await first.stop()
      await desk.addValue('k', '2')
      desk.startRelay('b')
      await desk.saw('k', '2')
      await desk.addValue('k', '3')
      await desk.saw('k', '3')
      expect(desk.seen().map(({ value }) => value)).toEqual(['1', '2', '3'])
    })

    it('repeats, with the same ids, what it could not purge', async () => {
      desk = await OutboxDesk.open(servers, retention)
      await desk.add([desk.message('k', '1'), desk.message('j', '1'), desk.message('j', '2')])
      desk.startRelay('a', rowsWith({ purge: failingOnce(desk.rows.purge) }))
      await desk.isPurged()
      const values = retention === 'compact' ? ['j2', 'k1'] : ['j1', 'j2', 'k1']
      const textsOf = (seen: readonly Seen[]) => seen.map(({ key, value }) => `${key}${value}`).toSorted()
      const seen = await desk.sawMessages(2 * values.length)
      expect(textsOf(firstsOf(seen))).toEqual(values)
      expect(textsOf(seen)).toEqual([...values, ...values].toSorted())
    })

    it('publishes again when it cannot know whether it has', async () => {
      desk = await OutboxDesk.open(servers, retention)
      let failures = 1
      desk.startRelay(
        'a',
        publisherWith((inner) => async (read) => {
          const outcome = await inner.publish(read)
          if (outcome === 'published' && failures-- > 0) throw new Error('the answer was lost')
          return outcome
        }),
      )
      await desk.addValue('k', '1')
      await desk.isPurged()
      const seen = await desk.sawMessages(2)
      expect(firstsOf(seen)).toHaveLength(1)
    })

    it('is woken by its own process long before it would look', async () => {
      desk = await OutboxDesk.open(servers, retention)
      const relay = desk.startRelay('a', { pollMs: 600_000 })
      await desk.addValue('k', '1')
      relay.wake(desk.topic.name, 0)
      await desk.saw('k', '1')
    })

    it('holds no lease and makes no producer while nothing waits, and lets both go afterwards', async () => {
      desk = await OutboxDesk.open(servers, retention)
      const open = new Set<Publisher>()
      let looks = 0
      const counted = rowsWith({ waiting: (topics) => ((looks += 1), desk.rows.waiting(topics)) })
      desk.startRelay('a', {
        ...counted,
        makePublisher: (topic, partition) => {
          const inner = makePublisher(desk.kafka, topic, partition)
          open.add(inner)
          return {
            publish: inner.publish.bind(inner),
            close: () => inner.close().finally(() => open.delete(inner)),
          }
        },
      })
      await eventually(
        () => looks,
        (count) => count > 5,
      )
      expect([open.size, await desk.lease()]).toEqual([0, null])
      await desk.addValue('k', '1')
      await desk.saw('k', '1')
      expect(open.size).toBe(1)
      await eventually(
        () => desk.lease(),
        (lease) => lease !== null && 'owner' in lease && lease.owner === '',
      )
      expect(open.size).toBe(0)
    })
  },
)

describe('the outbox relay, on a topic that keeps its records,', () => {
  it('publishes all that concurrent transactions add, per key in the order of their commits', async () => {
    desk = await OutboxDesk.open(servers, 'time')
    desk.startRelay('a')
    desk.startRelay('b')
    await writeConcurrently(['k', 'j'], 20)
    await desk.isPurged()
    const seen = await desk.sawMessages(160)
    expect(waysBack(seen)).toEqual([])
    expect(seen).toHaveLength(160)
    for (const key of ['k', 'j'])
      for (const writer of ['w0', 'w1', 'w2', 'w3']) {
        const own = seen.filter((message) => message.key === key && message.value?.startsWith(writer))
        expect(own.map(({ value }) => value)).toEqual(own.map(({ value }) => value).toSorted())
      }
  })
})

describe('the outbox relay, on a compacted topic,', () => {
  it('never goes back while concurrent transactions add to the same keys', async () => {
    desk = await OutboxDesk.open(servers)
    desk.startRelay('a')
    desk.startRelay('b')
    await writeConcurrently(['k', 'j'], 20)
    await desk.isPurged()
    for (const key of ['k', 'j']) await desk.add([desk.message(key, 'last')])
    await desk.saw('k', 'last')
    const seen = await desk.saw('j', 'last')
    expect(waysBack(seen)).toEqual([])
  })

  it('passes values over that are newer than published already', async () => {
    desk = await OutboxDesk.open(servers)
    for (let at = 1; at <= 50; at += 1) await desk.addValue('k', String(at))
    desk.startRelay('a')
    await desk.saw('k', '50')
    await desk.isPurged()
    expect(desk.seen()).toHaveLength(1)
  })

  it('frozen with an old value in hand: who takes over publishes, and the old one never comes', async () => {
    desk = await OutboxDesk.open(servers)
    const gate = makeGate()
    gate.shut()
    const outcomes: string[] = []
    const zombie = desk.startRelay('zombie', {
      ...rowsWith({
        newest: async (shard, limits) => {
          const rows = await desk.rows.newest(shard, limits)
          await gate.pass()
          return rows
        },
      }),
      ...publisherWith((inner) => async (read) => {
        const outcome = await inner.publish(read)
        outcomes.push(outcome)
        return outcome
      }),
    })
    await desk.addValue('k', 'old')
    await gate.reached()
    await desk.addValue('k', 'new')
    const heir = desk.startRelay('heir')
    await desk.saw('k', 'new')
    await desk.isPurged()
    gate.open()
    await eventually(
      () => outcomes,
      ({ length }) => length === 1,
    )
    expect(outcomes).toEqual(['fenced'])
    await heir.stop()
    await desk.addValue('k', 'newest')
    await desk.saw('k', 'newest')
    expect(desk.seen().map(({ value }) => value)).toEqual(['new', 'newest'])
    await zombie.stop()
  })

  it('frozen before it begins: it fences the rightful one, writes nothing, and that one goes on', async () => {
    desk = await OutboxDesk.open(servers)
    const gate = makeGate()
    gate.shut()
    const outcomes: string[] = []
    desk.startRelay('zombie', {
      ...publisherWith((inner) => async (read) => {
        await gate.pass()
        const outcome = await inner.publish(read)
        outcomes.push(outcome)
        return outcome
      }),
    })
    await desk.addValue('k', '1')
    await gate.reached()
    const ofHeir: string[] = []
    desk.startRelay(
      'heir',
      publisherWith((inner) => async (read) => {
        const outcome = await inner.publish(read)
        ofHeir.push(outcome)
        // It stays awake, with its lease, as long as something comes.
        return outcome
      }),
    )
    await desk.saw('k', '1')
    await desk.addValue('k', '2')
    await desk.saw('k', '2')
    gate.open()
    await eventually(
      () => outcomes,
      ({ length }) => length > 0,
    )
    expect(outcomes[0]).toBe('nothing')
    await desk.addValue('k', '3')
    const seen = await desk.saw('k', '3')
    await desk.isPurged()
    expect(waysBack(seen)).toEqual([])
    expect(firstsOf(seen).map(({ value }) => value)).toEqual(['1', '2', '3'])
    expect(ofHeir).toContain('fenced')
  })

  it('whose lease was lost before it begins publishes nothing', async () => {
    desk = await OutboxDesk.open(servers)
    const gate = makeGate()
    gate.shut()
    const outcomes: string[] = []
    desk.startRelay('zombie', {
      ...publisherWith((inner) => async (read) => {
        await gate.pass()
        const outcome = await inner.publish(read)
        outcomes.push(outcome)
        return outcome
      }),
    })
    await desk.addValue('k', '1')
    await gate.reached()
    const leases = mongoLeases(servers.mongoConnection)
    const taken = await eventually(() => leases.take(desk.leaseName, 'other', 600_000), Boolean)
    gate.open()
    await eventually(
      () => outcomes,
      ({ length }) => length > 0,
    )
    expect(outcomes).toEqual(['nothing'])
    if (taken) await leases.release(taken)
    await desk.saw('k', '1')
  })

  it('repeats the last value only, when more came while it could not purge', async () => {
    desk = await OutboxDesk.open(servers)
    const gate = makeGate()
    gate.shut()
    const failing = failingOnce(desk.rows.purge)
    await desk.add([desk.message('k', '1'), desk.message('j', '1')])
    desk.startRelay('a', rowsWith({ purge: (...args) => gate.pass().then(() => failing(...args)) }))
    await gate.reached()
    await desk.addValue('k', '2')
    gate.open()
    await desk.isPurged()
    const seen = await desk.sawMessages(4)
    expect(seen.map(({ key, value }) => `${key}${value}`).toSorted()).toEqual(['j1', 'j1', 'k1', 'k2'])
    expect(waysBack(seen)).toEqual([])
  })

  it('ends with a tombstone where that came last, and with the value where a tombstone came before it', async () => {
    desk = await OutboxDesk.open(servers)
    desk.startRelay('a')
    await desk.addValue('k', '1')
    await desk.saw('k', '1')
    await desk.addValue('k', null)
    await desk.saw('k', null)
    await desk.add([desk.message('k', null), desk.message('k', '2')])
    await desk.saw('k', '2')
    await desk.isPurged()
  })

  it('publishes a long backlog in many batches, all of it', async () => {
    desk = await OutboxDesk.open(servers)
    const keys = Array.from({ length: 2_500 }, (_, at) => `k${at}`)
    const value = 'x'.repeat(1_000)
    for (let from = 0; from < keys.length; from += 500)
      await desk.add(keys.slice(from, from + 500).map((key) => desk.message(key, value)))
    const batches: number[] = []
    desk.startRelay('a', { onPublished: (_, messages) => batches.push(messages) })
    await desk.isPurged()
    await eventually(
      () => batches.reduce((sum, messages) => sum + messages, 0),
      (sum) => sum === keys.length,
    )
    const seen = await desk.sawMessages(keys.length)
    expect(new Set(seen.map(({ key }) => key)).size).toBe(keys.length)
    expect(batches.length).toBeGreaterThan(2)
  })

  it('tries again, without harm, while Kafka or MongoDB fail', async () => {
    desk = await OutboxDesk.open(servers)
    const failuresLeft = { waiting: 2, newest: 2, publish: 2 }
    const failing =
      (name: keyof typeof failuresLeft) =>
      async <Result>(work: () => Promise<Result>): Promise<Result> => {
        if (failuresLeft[name]-- > 0) throw new Error('failed on purpose')
        return work()
      }
    desk.startRelay('a', {
      ...rowsWith({
        waiting: (topics) => failing('waiting')(() => desk.rows.waiting(topics)),
        newest: (shard, limits) => failing('newest')(() => desk.rows.newest(shard, limits)),
      }),
      ...publisherWith((inner) => (read) => failing('publish')(() => inner.publish(read))),
    })
    await desk.addValue('k', '1')
    await desk.saw('k', '1')
    await desk.isPurged()
    expect(Math.max(...Object.values(failuresLeft))).toBeLessThan(0)
  })
})
