import { describe, expect, it } from '@jest/globals'
import { makeWaitingLine } from '../src/waiting-line.ts'

const ALL = { items: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER }
const of = (bytes: number) => ({ bytes })

describe('a line', () => {
  it('gives what waits in its order, and each of it once', () => {
    const line = makeWaitingLine(ALL)
    for (const bytes of [3, 1, 2]) line.join(of(bytes))
    expect([line.take({ ...ALL, items: 2 }), line.take(ALL), line.take(ALL)]).toEqual([
      [of(3), of(1)],
      [of(2)],
      [],
    ])
  })

  it('gives no more bytes than asked for, but one at least', () => {
    const line = makeWaitingLine(ALL)
    for (const bytes of [2, 3, 9, 1]) line.join(of(bytes))
    const most = { ...ALL, bytes: 5 }
    expect([line.take(most), line.take(most), line.take(most)]).toEqual([[of(2), of(3)], [of(9)], [of(1)]])
  })

  it('takes nobody above its items, and somebody again when one has gone', () => {
    const line = makeWaitingLine({ ...ALL, items: 2 })
    expect([1, 1, 1].map((bytes) => line.join(of(bytes)))).toEqual([true, true, false])
    line.take({ ...ALL, items: 1 })
    expect([line.join(of(1)), line.length()]).toEqual([true, 2])
  })

  it('takes nobody above its bytes, but who is small enough, and the bytes of who has gone are free', () => {
    const line = makeWaitingLine({ ...ALL, bytes: 10 })
    expect([7, 4, 3].map((bytes) => line.join(of(bytes)))).toEqual([true, false, true])
    line.take({ ...ALL, items: 1 })
    expect([7, 1].map((bytes) => line.join(of(bytes)))).toEqual([true, false])
  })

  it('takes anybody while nobody waits', () => {
    const line = makeWaitingLine({ items: 1, bytes: 10 })
    expect([line.join(of(11)), line.join(of(0))]).toEqual([true, false])
  })
})
