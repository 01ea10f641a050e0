import { describe, expect, it } from '@jest/globals'
import { compareSources, type CompareOptions, type Side } from '../src/compare.ts'
import { adding, FakeSide, type Change } from './fake-sides.ts'

const P = 'orders.order.events/0'
const Q = 'orders.order.events/1'
const add = (key: string, amount = 1, place = P): Change => ({ place, key, add: amount })

const compare = (one: Side, other: Side, options: CompareOptions = {}) =>
  compareSources(one, other, { pauseMs: 0, ...options })

const log = [add('a', 1), add('b', 2), add('a', 3), add('c', 4)]
const nothing = { different: [], unsettled: [], isCutShort: false }

/** Nobody can take it on, but between looks it goes on by itself. */
const catchingUp = (side: FakeSide, changes: number): FakeSide => {
  side.isInStore = false
  side.before = (asked) => void (asked === 'at' && side.goOn(changes))
  return side
}

describe('two sides at rest', () => {
  it('are equal when they have made the same of the log', async () => {
    expect(await compare(new FakeSide(log), new FakeSide(log))).toMatchObject({ compared: 3, ...nothing })
  })

  it('are equal when they have nothing', async () => {
    expect(await compare(new FakeSide([]), new FakeSide([]))).toMatchObject({ compared: 0, ...nothing })
  })

  it('are different by document and field', async () => {
    const other = [add('a', 1), add('b', 2), add('a', 5), add('c', 4)]
    expect(await compare(new FakeSide(log), new FakeSide(other))).toMatchObject({
      different: [{ key: 'a', fields: [{ field: 'sum', one: 4, other: 6 }] }],
      unsettled: [],
    })
  })

  it('are different where only one of them has a document, whichever it is', async () => {
    const one = new FakeSide([add('a'), add('b'), add('a')])
    const other = new FakeSide([add('a'), add('c'), add('a')])
    const document = { sum: 1, count: 1 }
    expect(await compare(one, other)).toMatchObject({
      compared: 3,
      different: [
        { key: 'b', fields: [{ field: '', one: document, other: null }] },
        { key: 'c', fields: [{ field: '', one: null, other: document }] },
      ],
    })
  })

  it('are compared in the documents that are wanted, once each', async () => {
    const looked: number[] = []
    const options: CompareOptions = {
      wants: (key) => key !== 'a',
      onProgress: (compared) => looked.push(compared),
    }
    const [one, other] = [new FakeSide(log), new FakeSide([...log.slice(0, 3), add('d', 4)])]
    expect(await compare(one, other, options)).toMatchObject({ compared: 3 })
    expect(looked).toEqual([1, 2, 3])
  })

  it('are compared by the merge of their partials, however these are split', async () => {
    const byDay = [add('a', 1), { ...add('a', 2), part: 'tuesday' }, add('a', 3, Q)]
    const byMonth = [add('a', 1), add('a', 2), { ...add('a', 3, Q), part: 'may' }]
    expect(await compare(new FakeSide(byDay), new FakeSide(byMonth))).toMatchObject({
      compared: 1,
      ...nothing,
    })
  })
})

describe('a difference', () => {
  it('that is gone at the second look is none', async () => {
    const right = new FakeSide(log)
    const wrong = new FakeSide([...log.slice(0, 3), add('c', 5)])
    const isHealed = () => wrong.asked.read === 3
    const healing: Side = {
      ...right,
      source: { ...right.source, read: (keys) => (isHealed() ? right : wrong).source.read(keys) },
    }
    expect(await compare(new FakeSide(log), healing)).toMatchObject(nothing)
    expect([wrong.asked.read, right.asked.read]).toEqual([3, 1])
  })

  it('is looked for again where too much is under way, and the comparison goes on', async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => add(`k-${index}`))
    const behind = catchingUp(new FakeSide(many, 0), 1_000)
    expect(await compare(new FakeSide(many), behind)).toMatchObject({ compared: 3_000, ...nothing })
  })

  it('is looked for again though much is different already', async () => {
    const many = Array.from({ length: 3_600 }, (_, index) => add(`k-${index}`))
    const wrong = many.map((change, index) => (index < 600 ? { ...change, add: 2 } : change))
    const behind = catchingUp(new FakeSide(wrong, 600), 1_000)
    const { compared, different, unsettled, isCutShort } = await compare(new FakeSide(many), behind)
    expect({ compared, unsettled, isCutShort }).toEqual({ compared: 3_600, unsettled: [], isCutShort: false })
    expect(different).toHaveLength(600)
  })

  it('cuts the comparison short when there are more than a thousand', async () => {
    const many = Array.from({ length: 3_000 }, (_, index) => add(`k-${index}`))
    const others = many.map((change) => ({ ...change, add: 2 }))
    const [one, other] = [new FakeSide(many), new FakeSide(others)]
    const { compared, different, isCutShort } = await compare(one, other)
    expect(isCutShort).toBe(true)
    expect(different.length).toBeGreaterThan(1_000)
    expect(different).toHaveLength(compared)
    expect(compared).toBeLessThan(1_300)
    expect([one.listings, other.listings]).toEqual([0, 0])
  })
})

describe('an expected difference', () => {
  const isExpected = ({ field }: { field: string }) => field === 'count'
  const many = Array.from({ length: 1_500 }, (_, index) => add(`k-${index}`))
  const twice = (changes: readonly Change[]) => changes.flatMap((change) => [change, { ...change, add: 0 }])
  const settled = (changes: readonly Change[]) => [...changes, ...changes.map(({ key }) => add(`${key}!`, 0))]

  it('is counted, by document and field, and does not cut the comparison short', async () => {
    const [one, other] = [new FakeSide(settled(many)), new FakeSide(twice(many))]
    const { expected, different, isCutShort } = await compare(one, other, {
      wants: (key) => !key.endsWith('!'),
      isExpected,
    })
    expect({ different, isCutShort }).toEqual({ different: [], isCutShort: false })
    expect(expected).toMatchObject({ documents: 1_500, byField: new Map([['count', 1_500]]) })
    expect(expected.samples).toHaveLength(20)
  })

  it('is not told before one that is not, where not all can be', async () => {
    const side = (value: number): Side => {
      const many = Array.from({ length: 60 }, (_, n): [string, number] => [`expected-${n}`, value])
      const fields = { ...Object.fromEntries(many), last: value }
      const sight = {
        documents: new Map([['a', [{ place: P, sequence: 1, fields }]]]),
        reached: new Map([[P, 1]]),
        at: async () => sight,
      }
      const keys = new FakeSide([add('a')]).source.keys
      return { projection: adding, source: { keys, read: async () => sight } }
    }
    const { different } = await compare(side(1), side(2), { isExpected: ({ field }) => field !== 'last' })
    expect(different).toMatchObject([
      { key: 'a', fields: expect.arrayContaining([{ field: 'last', one: 1, other: 2 }]) },
    ])
    expect(different[0]?.fields).toHaveLength(50)
  })

  it('hides none that is not', async () => {
    const [one, other] = [new FakeSide([add('a'), add('a', 0)]), new FakeSide([add('a', 2), add('b')])]
    const comparison = await compare(one, other, { wants: (key) => key === 'a', isExpected })
    expect(comparison).toMatchObject({
      expected: { documents: 0 },
      different: [{ key: 'a', fields: [{ field: 'sum' }, { field: 'count' }] }],
    })
  })
})

describe('a comparison that is given up', () => {
  it.each(['keys', 'read', 'at'] as const)('while it asks for %s ends with the reason', async (when) => {
    const [one, other] = [new FakeSide(log), new FakeSide(log.slice(0, 2))]
    const ended = new AbortController()
    other.before = (asked) => void (asked === when && ended.abort(new Error('enough')))
    await expect(compare(one, other, { signal: ended.signal })).rejects.toThrow('enough')
    expect([one.listings, other.listings]).toEqual([0, 0])
  })

  it('while it waits for the next look does not wait any longer', async () => {
    const ended = new AbortController()
    const other = new FakeSide(log, 2)
    other.isInStore = false
    other.before = (asked) => void (asked === 'at' && setImmediate(() => ended.abort(new Error('enough'))))
    const options = { signal: ended.signal, pauseMs: 1e9 }
    await expect(compare(new FakeSide(log), other, options)).rejects.toThrow('enough')
  })
})
