import { describe, expect, it } from '@jest/globals'
import { fetchFrom, judgeFetch, skipInvisible } from '../src/fetch-position.ts'

const batch = (fetchedOffset: bigint, endOffset: bigint) => ({ fetchedOffset, endOffset })

describe('a fetch position', () => {
  it('moves to the end of a batch that continues it', () => {
    expect(judgeFetch(fetchFrom(10n), batch(10n, 25n))).toEqual({
      type: 'continues',
      position: fetchFrom(25n),
    })
  })

  it.each([5n, 90n])(
    'drops a batch fetched from elsewhere (%d) and fetches the expected offset again',
    (from) => {
      const verdict = judgeFetch(fetchFrom(10n), batch(from, 95n))
      expect(verdict.type).toBe('refetch')
      expect(judgeFetch(verdict.position, batch(10n, 25n))).toEqual({
        type: 'continues',
        position: fetchFrom(25n),
      })
    },
  )

  it.each([0n, 90n])('takes and reports a jump to %d that happens again', (from) => {
    const { position } = judgeFetch(fetchFrom(10n), batch(from, from + 5n))
    expect(judgeFetch(position, batch(from, from + 5n))).toEqual({
      type: 'jumped',
      expected: 10n,
      position: fetchFrom(from + 5n),
    })
  })

  it('continues behind records that nobody can see', () => {
    const position = skipInvisible(fetchFrom(10n), 12n)
    expect(judgeFetch(position, batch(12n, 15n)).type).toBe('continues')
  })

  it('does not trust invisible records: a batch from the expected offset continues too', () => {
    const position = skipInvisible(fetchFrom(10n), 12n)
    expect(judgeFetch(position, batch(10n, 15n)).type).toBe('continues')
  })

  it('ignores invisible records below it', () => {
    expect(skipInvisible(fetchFrom(10n), 9n)).toEqual(fetchFrom(10n))
  })
})
