import { describe, expect, it } from '@jest/globals'
import { differences } from './last-values.ts'

const of = (values: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> =>
  new Map(Object.entries(values))

describe('two accounts of the last values', () => {
  const expected = of({ one: { beat: 1, rss: 2 }, two: { beat: 2 } })
  const faults = (found: Readonly<Record<string, unknown>>): string[] =>
    differences({ what: 'any', found: of(found), expected })

  it('are the same in any order', () => {
    expect(faults({ two: { beat: 2 }, one: { rss: 2, beat: 1 } })).toEqual([])
  })

  it('differ by a value, by a key that is missing, and by one that should be gone', () => {
    expect(faults({ one: { beat: 1, rss: 2 }, two: { beat: 1 } })).toEqual([
      'any: two is {"beat":1} and not {"beat":2}',
    ])
    expect(faults({ one: { beat: 1, rss: 2 } })).toEqual(['any: two is undefined and not {"beat":2}'])
    expect(faults({ one: { beat: 1, rss: 2 }, two: { beat: 2 }, three: { beat: 3 } })).toEqual([
      'any: three is {"beat":3} and not undefined',
    ])
  })
})
