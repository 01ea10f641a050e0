import { describe, expect, it } from '@jest/globals'
import { chooseSuperfluous } from '../src/choose-superfluous.ts'

/** What is left when one is taken every `every` events and the superfluous ones go each time. */
const keptAfter = (events: number, every: number): number[] => {
  let kept: number[] = []
  for (let version = every; version <= events; version += every) {
    const all = [version, ...kept]
    const superfluous = chooseSuperfluous(all)
    kept = all.filter((one) => !superfluous.includes(one))
  }
  return kept
}

describe('the snapshots of a stream that are kept', () => {
  it.each([
    [300, 4],
    [10_000, 10],
    [1_000_000, 17],
  ])('are few: of %d events at most %d', (events, most) => {
    expect(keptAfter(events, 100).length).toBeLessThanOrEqual(most)
  })

  it('have the newest two among them, and the first', () => {
    expect(keptAfter(50_000, 100)).toEqual(expect.arrayContaining([50_000, 49_900, 100]))
  })

  it('lie no further before a past version than a small multiple of its distance from the present', () => {
    for (const events of [5_000, 5_100, 25_600, 40_700]) {
      const kept = keptAfter(events, 100)
      for (let version = 100; version <= events; version += 37) {
        const closest = kept.find((one) => one <= version) ?? 0
        expect(version - closest).toBeLessThanOrEqual(100 + 3 * (events - version))
      }
    }
  })

  it('are all of them while there are two or less', () => {
    expect([chooseSuperfluous([]), chooseSuperfluous([5]), chooseSuperfluous([6, 5])]).toEqual([[], [], []])
  })
})
