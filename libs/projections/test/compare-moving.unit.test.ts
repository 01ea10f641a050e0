import { describe, expect, it } from '@jest/globals'
import type { AnyProjection } from '@millrace/domain'
import { compareSources, type CompareOptions, type Side } from '../src/compare.ts'
import type { Source } from '../src/source.ts'
import { adding, FakeSide, type Change } from './fake-sides.ts'

const P = 'orders.order.events/0'
const Q = 'orders.order.events/1'
const add = (key: string, amount = 1, place = P): Change => ({ place, key, add: amount })
const remove = (key: string, place = P): Change => ({ place, key, add: 'delete' })

const compare = (one: Side, other: Side, options: CompareOptions = {}) =>
  compareSources(one, other, { pauseMs: 0, ...options })

const equal = { different: [], unsettled: [], isCutShort: false }
const log = [add('a', 1), add('b', 2), add('a', 3), add('c', 4)]

/** Made of topics that the store does not keep. */
const ofTelemetry = (side: FakeSide): FakeSide => {
  side.isInStore = false
  return side
}

/** Goes on by so many changes between looks. */
const goingOn = (side: FakeSide, changes: number): FakeSide => {
  side.before = (asked) => void (asked === 'at' && side.goOn(changes))
  return side
}

/** Both ways round. */
const compareBoth = async (one: () => Side, other: () => Side, options: CompareOptions = {}) => [
  await compare(one(), other(), options),
  await compare(other(), one(), options),
]

const times = <T>(count: number, of: (index: number) => readonly T[]): T[] =>
  Array.from({ length: count }, (_, index) => of(index)).flat()

describe('a document that one side has not come to', () => {
  it('is equal if it becomes the same, though that side stands still', async () => {
    for (const at of [0, 1, 2, 3]) {
      const both = await compareBoth(
        () => new FakeSide(log),
        () => new FakeSide(log, at),
      )
      expect(both).toMatchObject([
        { compared: 3, ...equal },
        { compared: 3, ...equal },
      ])
    }
  })

  it('is different if the side would make something else of it', async () => {
    const other = () => new FakeSide([...log.slice(0, 3), add('c', 7)], 1)
    const [ahead, behind] = await compareBoth(() => new FakeSide(log), other)
    expect(ahead).toMatchObject({
      different: [{ key: 'c', fields: [{ field: 'sum', one: 4, other: 7 }] }],
      unsettled: [],
    })
    expect(behind).toMatchObject({ different: [{ key: 'c', fields: [{ one: 7, other: 4 }] }] })
  })

  it('is different if what the side has already is wrong', async () => {
    const wrong = [add('a', 9), ...log.slice(1)]
    const { different, unsettled } = await compare(new FakeSide(log), new FakeSide(wrong, 1))
    expect({ different, unsettled }).toEqual({
      different: [{ key: 'a', fields: [{ field: 'sum', one: 4, other: 12 }] }],
      unsettled: [],
    })
  })

  it('is not different for an event that the side will park when it comes there', async () => {
    const parked = log.with(2, add('b', 0))
    const behind = new FakeSide(parked, 1)
    let looks = 0
    const read: Source['read'] = async (keys) => {
      // Stands still for some looks, and then goes on.
      if ((looks += 1) === 6) behind.goOn(log.length)
      const sight = await behind.source.read(keys)
      const foreseen = new FakeSide(log, 1).source
      return looks < 6 ? { ...sight, at: async (to) => (await foreseen.read(keys)).at(to) } : sight
    }
    const other = { projection: behind.projection, source: { ...behind.source, read } }
    expect(await compare(new FakeSide(parked), other)).toMatchObject(equal)
    expect(looks).toBeGreaterThanOrEqual(6)
  })

  it('is unsettled while the log lacks what the other side has', async () => {
    const behind = new FakeSide(log.slice(0, 3), 1)
    expect(await compare(new FakeSide(log), behind, { looks: 3 })).toMatchObject({
      different: [],
      unsettled: ['c'],
    })
  })

  it('is compared as it is where only the other side reads a partition', async () => {
    const more: AnyProjection = { ...adding, sources: [adding.sources[0], 'catalog.product.events'] }
    const products = add('a', 1, 'catalog.product.events/0')
    const [one, other] = [new FakeSide([...log, products]), new FakeSide(log)]
    const options: CompareOptions = { isExpected: ({ field }) => field === 'sum' || field === 'count' }
    const source = { ...one, source: one.source, projection: more }
    expect(await compare(source, other, options)).toMatchObject({ ...equal, expected: { documents: 1 } })
  })
})

describe('a document of topics that are not in the store', () => {
  it('is equal once the side has come to it', async () => {
    const both = await compareBoth(
      () => new FakeSide(log),
      () => goingOn(ofTelemetry(new FakeSide(log, 1)), 1),
    )
    expect(both).toMatchObject([
      { compared: 3, ...equal },
      { compared: 3, ...equal },
    ])
  })

  it('is unsettled if it never does, and the others are compared', async () => {
    const comparison = await compare(new FakeSide(log), ofTelemetry(new FakeSide(log, 2)), { looks: 3 })
    expect(comparison).toMatchObject({ compared: 3, different: [], unsettled: ['a', 'c'] })
  })

  it('is unsettled if it changes at every look', async () => {
    const hot = times(1_000, () => [add('a')])
    const [one, other] = [ofTelemetry(new FakeSide(hot, 10)), ofTelemetry(new FakeSide(hot, 5))]
    for (const side of [one, other]) side.before = () => void side.goOn(10)
    expect(await compare(one, other)).toMatchObject({ different: [], unsettled: ['a'] })
    expect(one.asked.at).toBe(20)
  })
})

describe('a document that changes between every two reads of either side', () => {
  const hot = times(1_000, () => [add('a'), add('b')])
  const changing = (changes: readonly Change[], from: number): FakeSide => {
    const side = new FakeSide(changes, from)
    side.before = (asked) => void (asked === 'read' && side.goOn(10))
    return side
  }

  it('is equal when it is, after one look more', async () => {
    const [one, other] = [changing(hot, 20), changing(hot, 5)]
    expect(await compare(one, other)).toMatchObject(equal)
    expect([one.asked.at, other.asked.at]).toEqual([1, 1])
  })

  it('is different when it is, in the field that is', async () => {
    const wrong = hot.with(2, add('a', 0))
    const both = await compareBoth(
      () => changing(hot, 20),
      () => changing(wrong, 5),
    )
    for (const { different, unsettled } of both) {
      expect(different.map(({ key, fields }) => [key, fields.map(({ field }) => field)])).toEqual([
        ['a', ['sum']],
      ])
      expect(unsettled).toEqual([])
    }
  })

  it('is settled though it is deleted and comes back all the time', async () => {
    const life = times(500, () => [add('a', 1), add('b'), add('a', 2), remove('a')])
    for (const from of [5, 6, 7, 8]) {
      const both = await compareBoth(
        () => changing(life, 20),
        () => changing(life, from),
      )
      expect(both).toMatchObject([equal, equal])
    }
  })

  it('is different where one side does not delete it', async () => {
    const life = times(500, () => [add('a', 1), add('b'), add('a', 2), remove('a')])
    const lasting = life.map((change) => (change.add === 'delete' ? add('a', 0) : change))
    const both = await compareBoth(
      () => changing(life, 20),
      () => changing(lasting, 7),
    )
    expect(both).toMatchObject([
      { different: [{ key: 'a' }], unsettled: [] },
      { different: [{ key: 'a' }], unsettled: [] },
    ])
  })

  it('is settled by its partials where each side is ahead in one place', async () => {
    const [first, second] = [times(1_000, () => [add('a')]), times(1_000, () => [add('a', 2, Q)])]
    const mostly = (many: readonly Change[], few: readonly Change[]): Change[] =>
      times(400, (index) => [...many.slice(index * 2, index * 2 + 2), ...few.slice(index, index + 1)])
    expect(
      await compare(changing(mostly(first, second), 30), changing(mostly(second, first), 30)),
    ).toMatchObject(equal)
    const wrong = second.with(3, add('a', 5, Q))
    expect(
      await compare(changing(mostly(first, second), 30), changing(mostly(wrong, first), 30)),
    ).toMatchObject({ different: [{ key: 'a', fields: [{ field: 'sum' }] }], unsettled: [] })
  })
})

describe('a deletion', () => {
  const deleted = [add('a'), add('b'), remove('a'), add('b')]

  it('that one side has not come to is no difference', async () => {
    const both = await compareBoth(
      () => new FakeSide(deleted),
      () => new FakeSide(deleted, 2),
    )
    expect(both).toMatchObject([equal, equal])
  })

  it('of telemetry that one side has not come to is none, however long that takes', async () => {
    const both = await compareBoth(
      () => new FakeSide(deleted),
      () => ofTelemetry(new FakeSide(deleted, 2)),
    )
    for (const comparison of both)
      expect(comparison).toMatchObject({ different: [], unsettled: expect.arrayContaining(['a', 'b']) })
  })

  it('that one side does not make is a difference, though the other is always ahead', async () => {
    const later = times(100, () => [add('b')])
    const behind = goingOn(new FakeSide([add('a'), add('b'), add('b'), ...later], 4), 3)
    const ahead = goingOn(new FakeSide([add('a'), add('b'), remove('a'), ...later], 8), 3)
    const options: CompareOptions = { wants: (key) => key === 'a' }
    expect(await compare(behind, ahead, options)).toMatchObject({
      different: [{ key: 'a', fields: [{ field: '', other: null }] }],
    })
  })

  it('of what came back behind it is no difference', async () => {
    const back = [add('a'), remove('a'), add('b'), add('a', 5), remove('a'), add('b')]
    for (let at = 1; at <= back.length; at++) {
      expect(await compare(new FakeSide(back), new FakeSide(back, at))).toMatchObject(equal)
      const telemetry = ofTelemetry(new FakeSide(back, at))
      expect(await compare(new FakeSide(back), telemetry)).toMatchObject({ different: [] })
    }
  })
})
