import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { Timestamp } from 'mongodb'
import { mongoFeedProgresses, type FeedProgresses } from '../src/feed-progress.ts'
import { mongoFeedShadows, type FeedShadows, type Shadow } from '../src/feed-shadows.ts'
import { allOf } from './all-of.ts'
import { openDatabase, uniqueName, type TestDatabase } from './mongo-fixture.ts'

let database: TestDatabase
let shadows: FeedShadows
let progresses: FeedProgresses
let feed: string

beforeAll(async () => {
  database = await openDatabase('feed-books')
  shadows = mongoFeedShadows(database.connection)
  progresses = mongoFeedProgresses(database.connection)
})
beforeEach(() => {
  feed = uniqueName('feed')
})
afterAll(() => database.drop())

const all = async (): Promise<Shadow[]> => (await allOf(shadows.pages(feed))).flat()

describe('a shadow', () => {
  it('has no hash from before its change is sent until Kafka has it', async () => {
    await shadows.mark(feed, [{ key: 'demo/a', id: '1' }])
    expect(await all()).toEqual([{ key: 'demo/a', hash: null }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '1', hash: 'h1' }])
    expect(await all()).toEqual([{ key: 'demo/a', hash: 'h1' }])
    await shadows.mark(feed, [{ key: 'demo/a', id: '2' }])
    expect(await all()).toEqual([{ key: 'demo/a', hash: null }])
  })

  it('goes with its document', async () => {
    await shadows.mark(feed, [{ key: 'demo/a', id: '1' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '1', hash: null }])
    expect(await all()).toEqual([])
  })

  it('is never made older', async () => {
    await shadows.mark(feed, [{ key: 'demo/a', id: '5' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '5', hash: 'h5' }])
    await shadows.mark(feed, [{ key: 'demo/a', id: '4' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '4', hash: 'h4' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '4', hash: null }])
    expect(await all()).toEqual([{ key: 'demo/a', hash: 'h5' }])
  })

  it('stays unknown while something newer was sent than is settled', async () => {
    await shadows.mark(feed, [{ key: 'demo/a', id: '5' }])
    await shadows.mark(feed, [{ key: 'demo/a', id: '4' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '4', hash: 'h4' }])
    expect(await all()).toEqual([{ key: 'demo/a', hash: null }])
  })

  it('that its heir has ended does not come back when it is settled late', async () => {
    await shadows.mark(feed, [{ key: 'demo/a', id: '1' }])
    await shadows.mark(feed, [{ key: 'demo/a', id: '2' }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '2', hash: null }])
    await shadows.settle(feed, [{ key: 'demo/a', id: '1', hash: 'h1' }])
    expect(await all()).toEqual([])
  })

  it('is found among all of its feed, and only of its feed', async () => {
    const keys = Array.from({ length: 2_100 }, (_, index) => `demo/${String(index).padStart(5, '0')}`)
    await shadows.mark(
      feed,
      keys.map((key) => ({ key, id: '1' })),
    )
    await shadows.mark(`${feed}-other`, [{ key: 'demo/00001', id: '1' }])
    await shadows.mark(feed.slice(0, -1), [{ key: 'demo/00001', id: '1' }])
    const pages = await allOf(shadows.pages(feed))
    expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 100])
    expect(pages.flat().map(({ key }) => key)).toEqual(keys)
    expect([...(await shadows.find(feed, ['demo/00001', 'demo/x'])).keys()]).toEqual(['demo/00001'])
  })
})

describe('progress', () => {
  const route = { collection: 'documents', topic: 'documents.changed', incarnation: 1 }
  const position = (ordinal: number) => ({
    clusterTime: new Timestamp({ t: 7, i: 1 }),
    ordinal,
    resumeToken: null,
  })

  it('is unknown until a feed has reconciled, then what was saved last', async () => {
    const { epoch, at } = await progresses.claim(feed)
    expect(at).toBeUndefined()
    expect(
      await progresses.saveReconciled(feed, epoch, { ...route, position: position(1), reason: 'first' }),
    ).toBe(true)
    expect(await progresses.save(feed, epoch, { ...position(2), resumeToken: { _data: '82' } })).toBe(true)
    expect((await progresses.claim(feed)).at).toEqual({
      route,
      position: { ...position(2), resumeToken: { _data: '82' } },
    })
  })

  it('is not moved by who has lost the feed', async () => {
    const former = await progresses.claim(feed)
    const heir = await progresses.claim(feed)
    expect(heir.epoch).toBeGreaterThan(former.epoch)
    expect(await progresses.save(feed, former.epoch, position(9))).toBe(false)
    expect(await progresses.beginReconciliation(feed, former.epoch)).toBeUndefined()
    expect(await progresses.save(feed, heir.epoch, position(3))).toBe(true)
  })

  it('has none from the beginning of a reconciliation until its end, whoever claims meanwhile', async () => {
    const { epoch, isInterrupted } = await progresses.claim(feed)
    expect(isInterrupted).toBe(false)
    const reconciled = { ...route, position: position(1), reason: 'first' }
    expect(await progresses.saveReconciled(feed, epoch, reconciled)).toBe(true)
    await progresses.beginReconciliation(feed, epoch)
    const heir = await progresses.claim(feed)
    expect(heir).toMatchObject({ at: undefined, isInterrupted: true })
    expect(await progresses.saveReconciled(feed, heir.epoch, reconciled)).toBe(true)
    expect(await progresses.claim(feed)).toMatchObject({ at: { route }, isInterrupted: false })
  })

  it('tells a time that lies behind what was written before', async () => {
    const { epoch } = await progresses.claim(feed)
    const [before, after] = [
      await progresses.beginReconciliation(feed, epoch),
      await progresses.beginReconciliation(feed, epoch),
    ]
    expect(before && after?.greaterThan(before)).toBe(true)
  })
})
