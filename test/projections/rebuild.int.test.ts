import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { customerDashboard, orderSummary, type AnyProjection, type Document } from '@millrace/domain'
import { buildName, type BuildReport, type PointerLease } from '@millrace/mongo'
import { pause } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import type { BuildView } from '../../services/ops/src/operations.ts'
import type { Feeding } from '../../services/projector/src/feed-builds.ts'
import { httpClient, type HttpClient } from '../support/http-client.ts'
import { startProjectionRig, type ProjectionRig } from './projection-rig.ts'

/** A look at the builds asks Kafka and MongoDB for all that it shows. */
const PATIENT = { timeoutMs: 60_000, everyMs: 100 }
const NAME = orderSummary.name
/** Between two orders: all that the shop sells is folded again by each comparison. */
const SELL_EVERY_MS = 100
const EXACT = { fields: [], isAdding: false, isRemoving: false }

/** Another fold of the same events: every total is a cent more. */
const withDearerTotals = (version: `v${number}`): AnyProjection => ({
  ...orderSummary,
  version,
  evolve: (document, event, place) => {
    const after = orderSummary.evolve(document as never, event, place)
    if (!after || event.type !== 'OrderPlaced') return after
    return { ...after, total: { ...after.total, amount: after.total.amount + 1 } }
  },
})

const v1 = orderSummary as AnyProjection
const v2 = withDearerTotals('v2')

// One story in order, while a shop goes on taking orders.
describe('a rebuild', () => {
  let rig: ProjectionRig
  let client: HttpClient
  let feeding: Feeding
  let shop: { stop(): Promise<number> }
  beforeAll(async () => {
    rig = await startProjectionRig('rebuild')
    client = httpClient(rig.commandApi.url)
    feeding = await rig.feed([v1, customerDashboard])
    shop = openShop()
  })
  afterAll(async () => {
    await shop.stop()
    await client.close()
    await rig.stop()
  })

  const command = async (path: string, body: object): Promise<void> => {
    const answer = await client.send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    })
    expect([answer.status, answer.text]).toEqual([200, answer.text])
  }

  const openShop = (): { stop(): Promise<number> } => {
    let [isOpen, orders] = [true, 0]
    const sell = async (): Promise<void> => {
      while (isOpen) {
        const id = `o-${randomUUID()}`
        const lines = [{ productId: 'p-1', quantity: 1, amount: 1_000 }]
        await command(`/orders/${id}/place`, { customerId: `c-${orders % 7}`, currency: 'EUR', lines })
        await command(`/orders/${id}/pay`, { method: 'card' })
        orders += 1
        await pause(SELL_EVERY_MS)
      }
    }
    const selling = Promise.all([sell(), sell()])
    return {
      stop: async () => {
        isOpen = false
        await selling
        return orders
      },
    }
  }

  const nextOf = async (versions: readonly AnyProjection[], name = NAME): Promise<BuildView | undefined> =>
    (await rig.operations(versions).view(name)).views.find(({ role }) => role === 'next')

  const untilCaughtUp = (versions: readonly AnyProjection[], name = NAME) =>
    eventually(
      () => nextOf(versions, name),
      (next) =>
        next?.progress !== null &&
        next !== undefined &&
        next.progress.applied > 50 &&
        next.progress.isCaughtUp,
      PATIENT,
    )

  const ended = (read: () => Promise<BuildReport | undefined>) =>
    eventually(read, (report) => report?.endedAt !== null && report !== undefined, PATIENT)

  const compare = async (
    versions: readonly AnyProjection[],
    order: {
      expected?: typeof EXACT | { fields: string[]; isAdding: boolean; isRemoving: boolean }
      name?: string
    },
  ): Promise<BuildReport | undefined> => {
    const { name = NAME, expected = EXACT } = order
    const startedAt = new Date()
    await rig.operations(versions).compare(name, { expected, isFull: true })
    return ended(async () => {
      const report = (await nextOf(versions, name))?.comparison
      return report && report.startedAt >= startedAt ? report : undefined
    })
  }

  it.each([NAME, customerDashboard.name])(
    'of the same fold is found equal to %s, and to the log',
    async (name) => {
      const versions = [v1, customerDashboard]
      expect(await rig.operations(versions).rebuild(name)).toMatchObject({ name: 'v1.1' })
      await expect(rig.operations(versions).switchToNext(name)).rejects.toThrow(/was not compared/)
      await untilCaughtUp(versions, name)
      expect(await compare(versions, { name })).toMatchObject({
        state: 'equal',
        against: `${name}.v1`,
        different: 0,
        unsettled: 0,
        logShare: 'all',
        error: null,
      })
    },
  )

  it('is switched to at once for all readers, without a failed or a mixed read, and back', async () => {
    const reading = readThrough(4)
    const operations = rig.operations([v1])
    expect(await operations.switchToNext(NAME)).toMatchObject({ served: 'v1.1', previous: 'v1' })
    await reading.until('v1.1')
    expect(await operations.rollback(NAME)).toMatchObject({ served: 'v1', previous: 'v1.1' })
    await reading.until('v1')
    const seen = await reading.stop()
    expect(seen.failed).toEqual([])
    expect(seen.changes).toEqual(['v1', 'v1.1', 'v1'])
  })

  it('feeds the build before until it is dropped, and then nothing is left of it', async () => {
    const before = (await rig.operations([v1]).view(NAME)).views.find(({ role }) => role === 'previous')
    await eventually(
      () => rig.operations([v1]).view(NAME),
      ({ views }) =>
        (views.find(({ role }) => role === 'previous')?.progress?.applied ?? 0) >
        (before?.progress?.applied ?? 0),
      PATIENT,
    )
    await rig.operations([v1]).drop(NAME, 'v1.1')
    const collections = await rig.mongo.db.listCollections().toArray()
    expect(collections.map(({ name }) => name)).not.toContain(`readModel.${NAME}.v1.1`)
    expect(
      await rig.mongo.db.collection('checkpoints').countDocuments({ '_id.projection': `${NAME}.v1.1` }),
    ).toBe(0)
    await expect(rig.operations([v1]).drop(NAME, 'v1')).rejects.toThrow(/is what readers get/)
  })

  it('begins by itself when the code has a new version, and its differences block the switch', async () => {
    await feeding.stop()
    feeding = await rig.feed([v1, customerDashboard, v2])
    const versions = [v1, v2]
    await untilCaughtUp(versions)
    const report = await compare(versions, {})
    expect(report).toMatchObject({ state: 'different', logShare: 'all' })
    expect(report?.byField).toMatchObject([{ field: 'total.amount', isExpected: false }])
    expect(report?.samples[0]).toMatchObject({
      against: 'build',
      field: 'total.amount',
      value: 1_001,
      other: 1_000,
    })
    await expect(rig.operations(versions).switchToNext(NAME)).rejects.toThrow(
      /documents differ in what was not declared/,
    )
  })

  it('is switched to when its differences are what was declared', async () => {
    const versions = [v1, v2]
    const report = await compare(versions, { expected: { ...EXACT, fields: ['total'] } })
    expect(report).toMatchObject({ state: 'expected', unexpected: 0, unsettled: 0 })
    expect(report?.different).toBeGreaterThan(20)
    expect(await rig.operations(versions).switchToNext(NAME)).toMatchObject({ served: 'v2', previous: 'v1' })
  })

  it('is refused by a projector whose code lacks what readers get', async () => {
    await expect(rig.feed([v1])).rejects.toThrow(/v2, which this code does not have/)
  })

  it('shows when a fold was changed without a new version: document, field and event', async () => {
    const changed = { ...v1, version: 'v2' } as AnyProjection
    const { builds } = await rig.operations([v1, v2]).view(NAME)
    const build = builds.builds.find(({ name }) => name === 'v2')
    if (!build) throw new Error('v2 is gone')
    const report = await rig.check([v1, changed], {
      ...{ projection: NAME, build, against: null, kind: 'check', keys: 'all' },
      expected: EXACT,
    })
    expect(report.state).toBe('different')
    expect(report.samples[0]).toMatchObject({
      key: expect.stringMatching(/^demo\/o-/),
      field: 'total.amount',
      against: 'log',
      value: 1_001,
      other: 1_000,
      event: { type: 'OrderPlaced' },
    })
  })

  /** Readers that hold the pointer as query-api does; `changes` is what they answered from, in the order of time. */
  const readThrough = (readers: number) => {
    const seen: { build: string; atMs: number }[] = []
    const failed: unknown[] = []
    let isOver = false
    const read = async (): Promise<void> => {
      let lease: PointerLease | undefined
      while (!isOver) {
        try {
          lease = lease?.isValid() ? lease : await rig.registry.lease(NAME)
          const documents = rig.mongo.db.collection<Document & { _id: string }>(
            `readModel.${buildName(NAME, lease.served)}`,
          )
          const found = await documents.findOne({})
          if (!lease.isValid()) continue
          seen.push({ build: lease.served, atMs: performance.now() })
          if (!found) failed.push(`nothing in ${lease.served}`)
        } catch (error) {
          failed.push(error)
        }
      }
    }
    const done = Promise.all(Array.from({ length: readers }, read))
    return {
      until: (build: string) =>
        eventually(
          () => seen.at(-1)?.build,
          (last) => last === build,
          PATIENT,
        ),
      stop: async () => {
        isOver = true
        await done
        const builds = seen.toSorted((a, b) => a.atMs - b.atMs).map(({ build }) => build)
        return { failed, changes: builds.filter((build, index) => build !== builds[index - 1]) }
      },
    }
  }
})
