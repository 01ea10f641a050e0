import { describe, expect, it } from '@jest/globals'
import { toHeaders } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint, CommitBatch } from '@millrace/mongo'
import { orderPlaced, recorded } from '@millrace/testkit'
import { COMPACTOR_GROUP, compactorLanes, type CompactorLaneDeps } from '../src/compactor-lane.ts'

const AT = { topic: 'orders.order.events', partition: 2 }
const CLAIMED: Checkpoint = {
  incarnation: 3,
  nextOffset: 40,
  lastSequence: 30,
  lastId: 'e-30',
  lastTs: null,
  watermark: null,
  epoch: 1,
  owner: 'me',
}

const record = (offset: number, sequence: number): KafkaRecord => ({
  ...AT,
  offset: BigInt(offset),
  timestamp: offset,
  key: null,
  value: null,
  headers: toHeaders({ ...recorded(orderPlaced(), { sequence, id: `e-${sequence}` }), traceparent: null }),
})

const laneOf = async (given: Partial<CompactorLaneDeps> & { outcome?: 'applied' | 'fenced' } = {}) => {
  const commits: CommitBatch[] = []
  const claims: unknown[] = []
  const session = await compactorLanes({
    checkpoints: {
      claim: async (...claim) => {
        claims.push(claim)
        return CLAIMED
      },
      commit: async (_, batch) => {
        commits.push(batch)
        return given.outcome ?? 'applied'
      },
    },
    incarnationOf: async () => 3,
    owner: 'me',
    compact: async () => undefined,
    onUnreadable: () => undefined,
    ...given,
  }).open(AT)
  return { session, commits, claims }
}

describe('a lane of the compactor', () => {
  it('claims its partition and goes on where its checkpoint says', async () => {
    const { session, claims } = await laneOf()
    expect(claims).toEqual([
      [
        { projection: COMPACTOR_GROUP, ...AT },
        { owner: 'me', incarnation: 3 },
      ],
    ])
    expect(session.nextOffset).toBe(40n)
  })

  it('moves the checkpoint behind what it has looked at, and writes nothing else', async () => {
    const { session, commits } = await laneOf()
    expect(await session.apply([record(40, 31), record(41, 32)])).toEqual({
      type: 'applied',
      nextOffset: 42n,
    })
    expect(await session.apply([record(42, 31)])).toEqual({ type: 'applied', nextOffset: 43n })
    const first = {
      ...CLAIMED,
      nextOffset: 42,
      lastSequence: 32,
      lastId: 'e-32',
      lastTs: 41,
      watermark: null,
    }
    expect(commits).toMatchObject([
      {
        from: CLAIMED,
        to: { nextOffset: 42, lastSequence: 32, lastId: 'e-32', lastTs: 41, watermark: null },
        writes: [],
      },
      {
        from: first,
        to: { nextOffset: 43, lastSequence: 32, lastId: 'e-32', lastTs: 42, watermark: null },
        writes: [],
      },
    ])
  })

  it('leaves the checkpoint where it is while something does not answer', async () => {
    const { session, commits } = await laneOf({ compact: () => Promise.reject(new Error('no primary')) })
    await expect(session.apply([record(40, 31)])).rejects.toThrow('no primary')
    expect(commits).toEqual([])
  })

  it('says so when somebody else has the partition', async () => {
    const { session } = await laneOf({ outcome: 'fenced' })
    expect(await session.apply([record(40, 31)])).toEqual({ type: 'fenced' })
  })

  it('passes records by that nobody can read, and counts them', async () => {
    let unreadable = 0
    const { session } = await laneOf({ onUnreadable: (records) => (unreadable += records) })
    const bare = { ...record(40, 31), headers: {} }
    expect(await session.apply([bare])).toEqual({ type: 'applied', nextOffset: 41n })
    expect(unreadable).toBe(1)
  })
})
