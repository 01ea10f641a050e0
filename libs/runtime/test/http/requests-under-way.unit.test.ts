import { describe, expect, it } from '@jest/globals'
import type { ProblemError } from '../../src/http/problem.ts'
import { boundRequestsUnderWay, type Place } from '../../src/http/requests-under-way.ts'

const LIMITS = { maxRequests: 4, maxBodyBytes: 100, ofOne: { maxRequests: 2, maxBodyBytes: 60 } }

const load = () => {
  const underWay = boundRequestsUnderWay(LIMITS)
  const enter = (principal?: string): Place => {
    const place = underWay.enter()
    if (!place) throw new Error('no place')
    if (principal !== undefined) expect(place.belongTo(principal)).toBeUndefined()
    return place
  }
  return { underWay, enter }
}

const statusOf = (refused: ProblemError | undefined) => refused?.problem.status

describe('requests under way', () => {
  it('are no more than may be, and one that leaves makes room for one', () => {
    const { underWay, enter } = load()
    const [first] = [enter(), enter(), enter(), enter()]
    expect([underWay.enter(), underWay.requests]).toEqual([undefined, 4])
    first?.leave()
    first?.leave()
    expect(underWay.requests).toBe(3)
    expect([underWay.enter() === undefined, underWay.enter()]).toEqual([false, undefined])
  })

  it('keep their place until answer and handler are done, in either order', () => {
    const { underWay, enter } = load()
    const place = enter('demo/a')
    place.stay()
    place.leave()
    expect([underWay.requests, underWay.principals]).toEqual([1, 1])
    place.leave()
    expect([underWay.requests, underWay.principals]).toEqual([0, 0])
  })

  it('of one principal leave room for the others', () => {
    const { underWay, enter } = load()
    const [first] = [enter('demo/a'), enter('demo/a')]
    const third = enter()
    expect(statusOf(third.belongTo('demo/a'))).toBe(429)
    third.leave()
    enter('demo/b')
    enter('other/a')
    first?.leave()
    enter('demo/a')
    expect([underWay.requests, underWay.principals]).toEqual([4, 3])
  })

  it('hold no more bytes in all than may be', () => {
    const { underWay, enter } = load()
    const [first, second, third] = [enter('demo/a'), enter('demo/b'), enter('demo/c')]
    expect([first?.hold(60), second?.hold(40)]).toEqual([undefined, undefined])
    expect(third?.hold(1)?.problem).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1', connection: 'close' },
    })
    first?.leave()
    expect([underWay.bodyBytes, third?.hold(60)]).toEqual([40, undefined])
    second?.leave()
    third?.leave()
    expect(underWay.bodyBytes).toBe(0)
  })

  it('of one principal hold no more bytes than one may, in all of them', () => {
    const { enter } = load()
    const [first, second, other] = [enter('demo/a'), enter('demo/a'), enter('demo/b')]
    expect([first?.hold(40), second?.hold(20)]).toEqual([undefined, undefined])
    expect([statusOf(second?.hold(1)), other?.hold(1)]).toEqual([429, undefined])
    first?.leave()
    expect(second?.hold(40)).toBeUndefined()
  })

  it('that have left hold nothing any more, and cannot come back', () => {
    const { underWay, enter } = load()
    const place = enter('demo/a')
    expect(place.isTaken()).toBe(true)
    place.leave()
    expect([statusOf(place.hold(1)), underWay.bodyBytes, place.isTaken()]).toEqual([503, 0, false])
    expect(() => place.belongTo('demo/a')).toThrow(/given back/)
    expect(() => place.stay()).toThrow(/given back/)
    expect([underWay.requests, underWay.principals]).toEqual([0, 0])
  })

  it('are refused with 503 and Retry-After', () => {
    expect(boundRequestsUnderWay(LIMITS).overloaded().problem).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
    })
  })
})
