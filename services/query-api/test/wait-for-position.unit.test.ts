import { describe, expect, it } from '@jest/globals'
import { customerDashboard, openOrders, orderSummary, productMetrics, versionedName } from '@millrace/domain'
import type { AnyProjection } from '@millrace/domain'
import type { Whereabouts } from '@millrace/mongo'
import { createTokenSigner, EVERY_SCOPE, positionTokens, ProblemError } from '@millrace/runtime'
import type { Served } from '../src/served-builds.ts'
import { makeWaitForPosition, type WaitDeps } from '../src/wait-for-position.ts'

const signer = createTokenSigner('s'.repeat(32))
const after = positionTokens(signer).of('demo', { commit: 'commit-1' })
const at = { topic: 'orders.order.events', partition: 2, key: 'o-1' }
const published: Whereabouts = { type: 'published', ...at, lastSequence: 7 }

type Stage = {
  where?: Whereabouts
  /** Of each look at the checkpoint; the last one stays. */
  reached?: readonly number[]
  stopped?: boolean
  /** Sequence of something parked under the key of the position. */
  parkedAt?: number
  served?: Partial<Served>
  projection?: AnyProjection
  timeout?: number
}

const notAsked = (): never => {
  throw new Error('nobody had to ask')
}

const wait = async (
  stage: Stage,
): Promise<{ state: unknown; looks: number; problem?: ProblemError['problem'] }> => {
  const { where = published, reached = [0], parkedAt, projection = orderSummary, timeout = 0 } = stage
  let looks = 0
  const deps: WaitDeps = {
    signer,
    positions: { locate: async () => where },
    checkpoints: {
      read: async () => {
        const lastSequence = reached[Math.min(looks, reached.length - 1)] ?? 0
        looks += 1
        return { lastSequence, ...(stage.stopped ? { stopped: { reason: 'why', at: new Date(0) } } : {}) }
      },
    },
    lanes: {
      isParked: async ({ partition }, { parkingKey, upTo }) =>
        partition === at.partition && parkingKey === 'demo/o-1' && parkedAt !== undefined && parkedAt <= upTo,
    },
    // A commit is looked for by its sequence alone.
    states: { findOne: notAsked, readCheckpoint: notAsked },
    documents: { findOne: notAsked },
  }
  const arrive = makeWaitForPosition(deps)({
    principal: { tenant: 'demo', id: 'dev', scopes: EVERY_SCOPE },
    query: { after, timeout },
    signal: new AbortController().signal,
  })
  const served = { projection, build: versionedName(projection), isCurrent: () => true, ...stage.served }
  try {
    await arrive(served, 'o-1')
    return { state: 'fresh', looks }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { state: error.problem.members?.['state'] ?? error.problem.status, looks, problem: error.problem }
  }
}

const LONG = 20_000

describe('a position', () => {
  it('that the lane has passed is fresh', async () => {
    expect(await wait({ reached: [7] })).toMatchObject({ state: 'fresh' })
    expect(await wait({ reached: [0, 6, 9], timeout: LONG })).toMatchObject({ state: 'fresh', looks: 3 })
  })

  it('that it has not is pending, with how far it is', async () => {
    const { problem } = await wait({ reached: [6] })
    expect(problem).toMatchObject({
      ...{ status: 504, headers: { 'retry-after': '1' } },
      members: { state: 'pending', published: true, reachedSequence: 6, wantedSequence: 7 },
    })
    for (const where of [{ type: 'unknown' }, { type: 'unpublished', ...at }] as const)
      expect((await wait({ where, reached: [99] })).problem).toMatchObject({
        members: { state: 'pending', published: false },
      })
  })

  it('that is far away is that of a read model which is being built', async () => {
    const far = { ...published, lastSequence: 1_008 }
    expect(await wait({ where: far, reached: [7] })).toMatchObject({ state: 'rebuilding' })
    expect(await wait({ where: far, reached: [8] })).toMatchObject({ state: 'pending' })
  })

  it.each([
    ['before it, and the lane is past both', { reached: [9], parkedAt: 3 }],
    ['itself', { reached: [9], parkedAt: 7 }],
    ['before it, and the lane is not there yet', { reached: [3], parkedAt: 3 }],
    ['while the log does not have it', { where: { type: 'unpublished', ...at }, parkedAt: 99 }],
  ] as const)('whose key has something parked %s is quarantined, at once', async (_, stage) => {
    const { state, looks, problem } = await wait({ ...stage, timeout: LONG })
    expect([state, looks, problem?.headers]).toEqual(['quarantined', 1, { 'retry-after': '30' }])
  })

  it('is not held back by what was parked behind it', async () => {
    expect(await wait({ reached: [9], parkedAt: 8 })).toMatchObject({ state: 'fresh' })
  })

  it('that a stopped lane has not reached is failed, at once and without the reason', async () => {
    const { state, looks, problem } = await wait({ stopped: true, reached: [6], timeout: LONG })
    expect([state, looks]).toEqual(['failed', 1])
    expect(JSON.stringify(problem)).not.toContain('why')
    expect(await wait({ stopped: true, reached: [7] })).toMatchObject({ state: 'fresh' })
  })

  it('is never too early for what changes with the commit', async () => {
    const where = { type: 'unpublished', ...at } as const
    expect(await wait({ projection: openOrders, where })).toMatchObject({ state: 'fresh', looks: 0 })
  })

  it('of one of several sources is waited for in that one', async () => {
    expect(await wait({ projection: productMetrics, reached: [7] })).toMatchObject({ state: 'fresh' })
    const catalog = { ...published, topic: 'catalog.product.events' }
    expect(await wait({ projection: productMetrics, where: catalog })).toMatchObject({ state: 'pending' })
    expect(await wait({ projection: customerDashboard, where: catalog })).toMatchObject({ state: 400 })
  })
})
