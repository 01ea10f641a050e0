import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { Timestamp } from 'mongodb'
import { changeId, placeBehind, SCAN_ORDINAL, timeOf, type ChangePlace } from '../src/change-place.ts'

const at = (t: number, i: number): Timestamp => new Timestamp({ t, i })
const place = (t: number, i: number, ordinal: number): ChangePlace => ({ clusterTime: at(t, i), ordinal })

const uint32 = fc.nat({ max: 0xffff_ffff })
const places = fc.tuple(uint32, uint32, uint32).map(([t, i, ordinal]) => ({ t, i, ordinal }))

describe('the id of a change', () => {
  it('has time, increment and ordinal, each in eight hex digits', () => {
    expect(changeId(place(0x6542_0001, 3, 10))).toBe('6542000100000003-0000000a')
  })

  it('compares as text as its place does', () => {
    fc.assert(
      fc.property(places, places, (one, other) => {
        const order = one.t - other.t || one.i - other.i || one.ordinal - other.ordinal
        const [a, b] = [one, other].map(({ t, i, ordinal }) => changeId(place(t, i, ordinal)))
        expect(String(a) < String(b)).toBe(order < 0)
      }),
    )
  })

  it('tells the time to the second', () => {
    expect(timeOf(place(1_700_000_000, 9, 0))).toBe(1_700_000_000_000)
  })
})

describe('the place behind another', () => {
  it('counts up within one cluster time, and begins anew with the next', () => {
    expect(placeBehind(place(5, 1, 7), at(5, 1))).toEqual(place(5, 1, 8))
    expect(placeBehind(place(5, 1, 7), at(5, 2))).toEqual(place(5, 2, 0))
  })

  it('is none for what a scan has seen: everything up to its time', () => {
    const scan = place(5, 3, SCAN_ORDINAL)
    expect([at(4, 9), at(5, 3)].map((time) => placeBehind(scan, time))).toEqual([undefined, undefined])
    expect(placeBehind(scan, at(5, 4))).toEqual(place(5, 4, 0))
  })

  it('has a higher id than a scan at any time before', () => {
    expect(changeId(place(5, 4, 0)) > changeId(place(5, 3, SCAN_ORDINAL))).toBe(true)
  })
})
