import { beforeAll, describe, expect, it } from '@jest/globals'
import { makeInMemoryCodec, parseHeaders, readHead, type Codec } from '@millrace/events'
import { messageBytes } from '@millrace/kafka'
import { changedIn, goneOf } from '../src/compare-page.ts'
import type { Feed } from '../src/feed.ts'
import { hashOf, lastOfEachKey, MAX_SEND_BYTES, planChanges } from '../src/plan-changes.ts'
import { toMessage, type FoundChange } from '../src/to-message.ts'

const feed: Feed = {
  name: 'order-summary',
  topic: 'orders.changed',
  source: { type: 'read-model', name: 'order-summary', version: 'v1' },
}

let codec: Codec
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})

const change = (given: Partial<FoundChange> = {}): FoundChange => ({
  id: '6542000100000003-00000000',
  atMs: 1_000,
  key: { tenant: 'demo', key: 'o-1' },
  operation: 'updated',
  origin: 'change',
  before: '{"total":1}',
  after: '{"total":2}',
  ...given,
})

const route = { topic: 'processes.changed', incarnation: 1 }

const plan = (...changes: Parameters<typeof planChanges>[0]) =>
  planChanges(changes, { route, toMessage: (one) => toMessage(codec, feed, one) })

const dataOf = async (value: Buffer | null | undefined) => {
  const bytes = value ?? Buffer.alloc(0)
  await codec.ensureWriters([codec.writerIdOf(bytes)])
  return codec.decode('processes.changed', bytes).data
}

describe('a change', () => {
  it('becomes a record whose headers and key agree', async () => {
    const [planned] = plan(change()).planned
    const { key = '', headers = {}, value, timestamp } = planned?.message ?? {}
    expect(String(key)).toBe('demo/o-1')
    // Retention counts from when it is written.
    expect(timestamp).toBeUndefined()
    expect(parseHeaders(headers)).toMatchObject({
      ...{ id: change().id, type: 'DocumentChanged', tenant: 'demo', stream: 'changes.order_summary-o-1' },
      ...{ occurredAt: 1_000, sequence: null },
    })
    expect(readHead({ topic: 'processes.changed', offset: 7n, key, headers }).key).toBe('o-1')
    expect(await dataOf(value)).toEqual({
      ...{ source: 'order-summary', key: 'o-1', operation: 'updated', origin: 'change', changedAt: 1_000 },
      ...{ before: '{"total":1}', after: '{"total":2}' },
    })
  })

  it('is skipped when nobody can see it, or its document is not the engine’s', () => {
    const same = change({ before: '{"total":2}' })
    expect(plan(same, { ...change(), key: null })).toEqual({ planned: [], skipped: 2, tooLarge: [] })
  })

  it('is told when nobody knows what was before', () => {
    expect(plan(change({ before: null })).planned).toHaveLength(1)
  })

  it('goes without its before when only that is too much', async () => {
    const large = (letter: string): string => letter.repeat(600_000)
    const [planned] = plan(change({ before: large('a'), after: large('b') })).planned
    expect(planned && messageBytes(planned.message)).toBeLessThanOrEqual(MAX_SEND_BYTES)
    expect(await dataOf(planned?.message.value)).toMatchObject({ before: null, after: large('b') })
  })

  it('is left out when its document fits nowhere, and told apart', () => {
    const { planned, tooLarge } = plan(change({ after: 'x'.repeat(1_000_000) }))
    expect(planned).toEqual([])
    expect(tooLarge).toEqual([{ id: change().id, key: 'demo/o-1' }])
  })

  it('of a large document that is gone is told', () => {
    const gone = change({ operation: 'deleted', before: 'x'.repeat(1_000_000), after: null })
    expect(plan(gone).planned).toMatchObject([{ operation: 'deleted', hash: null }])
  })

  it('counts for the shadow of its key when it is the last one', () => {
    const [first, other, last] = [
      change({ id: '1' }),
      change({ id: '2', key: { tenant: 'demo', key: 'o-2' } }),
      change({ id: '3', before: null, after: '{"total":3}' }),
    ]
    const marks = lastOfEachKey(plan(first, other, last).planned)
    expect(marks.map(({ key, id }) => [key, id])).toEqual([
      ['demo/o-1', '3'],
      ['demo/o-2', '2'],
    ])
    expect(marks[0]?.hash).toBe(hashOf(route, '{"total":3}'))
  })
})

describe('a comparison', () => {
  const scan = { id: '6542000100000003-ffffffff', atMs: 1_000 }
  const documents = ['same', 'other', 'new', 'unknown'].map((key) => ({
    key: { tenant: 'demo', key },
    text: '{"n":1}',
  }))
  const shadow = (key: string, hash: string | null) => [`demo/${key}`, { key: `demo/${key}`, hash }] as const
  const shadows = new Map([
    shadow('same', hashOf(route, '{"n":1}')),
    shadow('other', hashOf(route, '{"n":2}')),
    shadow('unknown', null),
  ])

  it('tells what has no shadow, another one, or one of which nobody knows', () => {
    const found = changedIn(documents, shadows, { ...scan, route })
    expect(found.map(({ key, operation }) => [key.key, operation])).toEqual([
      ['other', 'updated'],
      ['new', 'created'],
      ['unknown', 'updated'],
    ])
    for (const one of found)
      expect(one).toMatchObject({ ...scan, origin: 'reconciliation', before: null, after: '{"n":1}' })
  })

  it('tells everything to a topic that was made again', () => {
    const again = { ...route, incarnation: 2 }
    expect(changedIn(documents, shadows, { ...scan, route: again })).toHaveLength(documents.length)
  })

  it('tells shadows without a document as deleted', () => {
    const found = goneOf([...shadows.values()], new Set(['demo/same', 'demo/unknown']), scan)
    expect(found).toEqual([
      {
        ...{ ...scan, origin: 'reconciliation', operation: 'deleted', before: null, after: null },
        key: { tenant: 'demo', key: 'other' },
      },
    ])
  })
})
