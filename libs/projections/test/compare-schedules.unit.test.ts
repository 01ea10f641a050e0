import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import { compareSources } from '../src/compare.ts'
import { FakeSide, type Change } from './fake-sides.ts'

const PLACES = ['orders.order.events/0', 'orders.order.events/1']
const KEYS = ['a', 'b', 'c', 'd', 'e']
const [FIRST = '', SECOND = ''] = PLACES

/** Of an aggregate, whose events are all in one partition. */
const anyOfAggregate: fc.Arbitrary<Change> = fc
  .record({
    key: fc.constantFrom(...KEYS),
    add: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) }, fc.constant('delete' as const)),
  })
  .map(({ key, add }) => ({ key, add, place: key < 'c' ? FIRST : SECOND }))

/** Grouped: from anywhere, and never deleted. */
const anyOfGroup: fc.Arbitrary<Change> = fc.record({
  key: fc.constantFrom(...KEYS),
  add: fc.integer({ min: 1, max: 3 }),
  place: fc.constantFrom(...PLACES),
  part: fc.constantFrom('', 'may'),
})

const anyLog = fc.oneof(fc.array(anyOfAggregate, { maxLength: 40 }), fc.array(anyOfGroup, { maxLength: 40 }))

/** By how much each side goes on before each thing that either is asked; after that they stay where they are. */
const anySchedule = fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 40 })

const goOnBy = (schedule: readonly (readonly [number, number])[], one: FakeSide, other: FakeSide): void => {
  let step = 0
  const before = (): void => {
    const [ofOne, ofOther] = schedule[step++] ?? [0, 0]
    one.goOn(ofOne)
    other.goOn(ofOther)
  }
  one.before = before
  other.before = before
}

const RUNS = { numRuns: 3_000 }

it('two folds of a log that is not in the store are never different, at whatever pace they go', async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, fc.nat(40), fc.nat(40), anySchedule, async (log, first, second, schedule) => {
      const [one, other] = [new FakeSide(log, first), new FakeSide(log, second)]
      for (const side of [one, other]) side.isInStore = false
      goOnBy(schedule, one, other)
      const { different } = await compareSources(one, other, { pauseMs: 0, looks: 3 })
      expect(different).toEqual([])
      for (const side of [one, other]) side.goOn(log.length)
      expect(await compareSources(one, other, { pauseMs: 0 })).toMatchObject({ different: [], unsettled: [] })
    }),
    RUNS,
  )
})

it('two folds of one log are never different, and settle, at whatever pace they go', async () => {
  await fc.assert(
    fc.asyncProperty(anyLog, fc.nat(40), fc.nat(40), anySchedule, async (log, first, second, schedule) => {
      const [one, other] = [new FakeSide(log, first), new FakeSide(log, second)]
      goOnBy(schedule, one, other)
      const { different, unsettled } = await compareSources(one, other, { pauseMs: 0 })
      expect({ different, unsettled }).toEqual({ different: [], unsettled: [] })
    }),
    RUNS,
  )
})

it('one event with another effect is seen in its document and in no other, at whatever pace', async () => {
  const first = KEYS.map((key): Change => ({ key, add: 1, place: key < 'c' ? FIRST : SECOND }))
  const anyWrong = fc.tuple(fc.nat(KEYS.length - 1), fc.constantFrom(1_000, 'delete' as const), fc.boolean())
  await fc.assert(
    fc.asyncProperty(anyLog, anyWrong, anySchedule, async (later, [at, add, isFirst], schedule) => {
      const log = [...first, ...later]
      const key = KEYS[at] ?? ''
      const wrongly = log.with(at, { place: FIRST, ...log[at], key, add })
      const right = new FakeSide(log, first.length)
      const wrong = new FakeSide(wrongly, first.length)
      const [one, other] = isFirst ? [wrong, right] : [right, wrong]
      goOnBy(schedule, one, other)
      const { different, unsettled } = await compareSources(one, other, { pauseMs: 0 })
      const isDeleted = later.some((change) => change.key === key && change.add === 'delete')
      const keys = different.map((one) => one.key)
      expect(unsettled).toEqual([])
      if (isDeleted) expect([[], [key]]).toContainEqual(keys)
      else expect(keys).toEqual([key])
    }),
    RUNS,
  )
})
