import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { processState, versionedName } from '@millrace/domain'
import {
  makeInMemoryCodec,
  toHeaders,
  toMessageKey,
  writerIdsOf,
  type Codec,
  type HeartbeatReceived,
} from '@millrace/events'
import { partitionFor, type KafkaRecord } from '@millrace/kafka'
import {
  connectMongo,
  ensureStoreIndexes,
  mongoOutbox,
  mongoTableStore,
  type MongoConnection,
  type TableStore,
} from '@millrace/mongo'
import { heartbeat } from '@millrace/testkit'
import { tableLanes, type AppliedStates } from '../src/table-lane.ts'

const NAME = versionedName(processState)
const TOPIC = processState.source
const T0 = Date.UTC(2026, 0, 2)

let mongo: MongoConnection
let store: TableStore
let codec: Codec
let applied: AppliedStates[]
let offset: bigint

beforeAll(async () => {
  codec = await makeInMemoryCodec()
})
beforeEach(async () => {
  const database = `test-table-${randomUUID().slice(0, 8)}`
  mongo = await connectMongo({ url: process.env['MONGO_URL'] ?? '', database, clientName: 'table-test' })
  await ensureStoreIndexes(mongo)
  store = mongoTableStore(mongo, mongoOutbox(mongo, { partitionFor }))
  await store.prepare(NAME)
  applied = []
  offset = 0n
  incarnation = 1
  sourceIncarnation = 1
})
afterEach(async () => {
  await mongo.db.dropDatabase()
  await mongo.close()
})

/** How often the compacted topic was created. */
let incarnation = 1
/** And its source. */
let sourceIncarnation = 1
const open = (partition = 0, through: TableStore = store) =>
  tableLanes({
    table: processState,
    store: through,
    codec: async () => codec,
    incarnationOf: async (topic) => (topic === processState.topic ? incarnation : sourceIncarnation),
    owner: randomUUID(),
    onApplied: (batch) => applied.push(batch),
  }).open({ topic: TOPIC, partition })

const recordOf = (
  event: Parameters<Codec['encode']>[1],
  { key, stream, atMs }: { key: string; stream: string; atMs: number },
): KafkaRecord => {
  const id = randomUUID()
  const tenant = 'demo'
  return {
    ...{ topic: TOPIC, partition: 0, offset: offset++, timestamp: atMs, memo: undefined },
    key: Buffer.from(toMessageKey({ tenant, key })),
    value: codec.encode(TOPIC, event),
    headers: toHeaders({
      ...{ id, type: event.type, tenant, stream, version: 0, sequence: null, traceparent: null },
      ...{ occurredAt: atMs, correlationId: id, causationId: id, actor: 'dev' },
    }),
  }
}

const beat = (pid: number, second: number, data: Partial<HeartbeatReceived> = {}): KafkaRecord => {
  const key = `m-1:node:${pid}`
  const at = { key, stream: `processes.process-${key}`, atMs: T0 + second * 1_000 }
  return recordOf(heartbeat({ pid, beat: second, ...data }), at)
}

const tick = (second: number): KafkaRecord =>
  recordOf(
    { type: 'ClockTicked', data: { everyMs: 5_000 } },
    { key: '0', stream: 'millrace.clock-0', atMs: T0 + second * 1_000 },
  )

const states = async () => {
  const found = await mongo.db.collection(`readModel.${NAME}`).find().sort({ _id: 1 }).toArray()
  return found.map(({ _id, status }) => [String(_id).slice('demo/m-1:node:'.length), status as unknown])
}

/** From after the one second up to the other. */
const ticks = (from: number, to: number): KafkaRecord[] =>
  Array.from({ length: Math.ceil((to - from) / 5) }, (_, index) => tick(Math.min(to, from + (index + 1) * 5)))

/** Taken out of the outbox, in order: a key's pid and its status, or null for a tombstone. */
const published = async () => {
  const outbox = mongo.db.collection('outbox')
  const rows = await outbox
    .find<{ key: string; payload: { buffer: Uint8Array } | null }>({ topic: 'process.state' })
    .sort({ number: 1 })
    .toArray()
  await outbox.deleteMany({})
  const values = rows.map(({ payload }) => payload && Buffer.from(payload.buffer))
  await codec.ensureWriters(writerIdsOf(codec, values))
  return rows.map(({ key }, index) => {
    const { data } = values[index] ? codec.decode('process.state', values[index]) : { data: null }
    return [String(key).slice('demo/m-1:node:'.length), data && 'status' in data ? data.status : null]
  })
}

describe('a lane of a table', () => {
  it('keeps the last state of each key, and publishes once a batch what has changed', async () => {
    const lane = await open()
    const outcome = await lane.apply([beat(1, 0), beat(2, 1), beat(1, 5), tick(6)])
    expect(outcome).toEqual({ type: 'applied', nextOffset: 4n })
    expect(await states()).toEqual([
      ['1', 'alive'],
      ['2', 'started'],
    ])
    expect(await published()).toEqual([
      ['1', 'alive'],
      ['2', 'started'],
    ])
    expect(applied).toEqual([{ records: 4, unreadable: 0, states: 2 }])
  })

  it('lets time pass by the topic alone: stale, gone, and a tombstone at the end', async () => {
    const lane = await open()
    await lane.apply([beat(1, 0)])
    let now = 0
    for (const second of [14, 15, 59, 60, 359]) {
      await lane.apply(ticks(now, second))
      now = second
    }
    expect(await published()).toEqual([
      ['1', 'started'],
      ['1', 'stale'],
      ['1', 'gone'],
    ])
    await lane.apply([tick(360)])
    expect([await states(), await published()]).toEqual([[], [['1', null]]])
  })

  it('buries nobody after a downtime: the backlog says when it was', async () => {
    await (await open()).apply([beat(1, 0)])
    const later = await open()
    expect(later.nextOffset).toBe(1n)
    await later.apply([beat(1, 5), beat(1, 10), beat(1, 15), beat(1, 20)])
    expect(await states()).toEqual([['1', 'alive']])
  })

  it('takes up in pieces what time has changed for very many at once', async () => {
    const MANY = 1_001
    const lane = await open()
    await lane.apply(Array.from({ length: MANY }, (_, pid) => beat(pid, 0)))
    await lane.apply(ticks(0, 20))
    expect(applied.map((batch) => batch.states)).toEqual([MANY, 1_000, 1])
    expect(new Set((await states()).map(([, status]) => status))).toEqual(new Set(['stale']))
  })

  it('passes by what cannot be read, and its time counts', async () => {
    const lane = await open()
    const [first, broken] = [beat(1, 0), { ...beat(1, 8), value: Buffer.from('nonsense') }]
    await lane.apply([first, broken, { ...tick(16), value: null }])
    expect(applied).toMatchObject([{ records: 3, unreadable: 2 }])
    expect(await states()).toEqual([['1', 'stale']])
  })

  it('counts what a newer code has written as unreadable, and no tick', async () => {
    const newer = beat(1, 1)
    const lane = await open()
    await lane.apply([{ ...newer, headers: { ...newer.headers, ce_type: 'HeartbeatImproved' } }])
    expect(applied).toMatchObject([{ unreadable: 1, states: 0 }])
  })

  it('drops what it has seen', async () => {
    const lane = await open()
    const records = [beat(1, 0), beat(1, 5)]
    await lane.apply(records)
    await lane.apply([...records, beat(1, 10)])
    expect(applied.map((batch) => batch.records)).toEqual([2, 1])
  })

  it('is fenced by the next owner: neither state nor message of it gets through', async () => {
    const zombie = await open()
    const owner = await open()
    expect(await zombie.apply([beat(1, 0)])).toEqual({ type: 'fenced' })
    expect([await states(), await published()]).toEqual([[], []])
    expect(await owner.apply([beat(1, 0)])).toMatchObject({ type: 'applied' })
  })

  it('whose transaction landed without an answer goes on behind it', async () => {
    let isLost = false
    const lane = await open(0, {
      ...store,
      commit: async (id, batch) => {
        const outcome = await store.commit(id, batch)
        if (!isLost) return outcome
        isLost = false
        throw new Error('the answer was lost')
      },
    })
    isLost = true
    const records = [beat(1, 0), beat(1, 5)]
    await expect(lane.apply(records)).rejects.toThrow('lost')
    expect(await lane.apply(records)).toEqual({ type: 'applied', nextOffset: 2n })
    expect(await published()).toEqual([['1', 'alive']])
  })

  it('publishes its states again, once, when the compacted topic was created anew', async () => {
    const lane = await open()
    await lane.apply([beat(1, 0), beat(2, 0), ...ticks(0, 20)])
    await lane.apply(Array.from({ length: 1_001 }, (_, index) => beat(index + 3, 21)))
    await published()
    await open()
    expect(await published()).toEqual([])
    incarnation = 2
    await open()
    const again = await published()
    expect(again).toHaveLength(1_003)
    expect(again).toEqual(
      expect.arrayContaining([
        ['1', 'stale'],
        ['2', 'stale'],
        ['3', 'started'],
      ]),
    )
    await open()
    expect(await published()).toEqual([])
  })

  it('that was fenced meanwhile publishes nothing again', async () => {
    await (await open()).apply([beat(1, 0)])
    await published()
    incarnation = 2
    await open(0, {
      ...store,
      page: async (...asked) => {
        await open()
        await published()
        return store.page(...asked)
      },
    })
    expect(await published()).toEqual([])
  })

  it('publishes with each state which one it is, also when that is published again', async () => {
    const versions = async (): Promise<unknown[]> => {
      const rows = mongo.db
        .collection<{ headers: Record<string, string> }>('outbox')
        .find()
        .sort({ number: 1 })
      const found = (await rows.toArray()).map(({ headers }) => Number(headers['ce_version']))
      await mongo.db.collection('outbox').deleteMany({})
      return found
    }
    const stored = async (): Promise<unknown[]> => {
      const found = await mongo.db.collection(`readModel.${NAME}`).find().sort({ _id: 1 }).toArray()
      return found.map(({ _sequence }) => _sequence as unknown)
    }
    const lane = await open()
    await lane.apply([beat(1, 0), beat(2, 0)])
    expect([await versions(), await stored()]).toEqual([
      [2, 2],
      [2, 2],
    ])
    await lane.apply([beat(2, 1)])
    await lane.apply(ticks(1, 16))
    const last = [6, 6]
    expect([await versions(), await stored()]).toEqual([[3, ...last], last])
    incarnation = 2
    await open()
    expect(await versions()).toEqual(last)
  })

  it('begins with the first record of a source that was created anew under it', async () => {
    const lane = await open()
    await lane.apply([beat(1, 0), beat(1, 1)])
    offset = 0n
    const anew = [beat(1, 20)]
    expect(await lane.apply(anew)).toEqual({ type: 'applied', nextOffset: 2n })
    sourceIncarnation = 2
    expect(await lane.apply(anew)).toEqual({ type: 'fenced' })
    const again = await open()
    expect(again.nextOffset).toBe(0n)
    expect(await again.apply(anew)).toEqual({ type: 'applied', nextOffset: 1n })
    await published()
    await again.apply([beat(1, 21)])
    expect(await published()).toEqual([['1', 'alive']])
  })

  it('of another partition has states and a clock of its own', async () => {
    const [one, other] = [await open(0), await open(1)]
    await one.apply([beat(1, 0)])
    await other.apply([{ ...beat(2, 100), partition: 1 }])
    expect(await states()).toEqual([
      ['1', 'started'],
      ['2', 'started'],
    ])
  })
})
