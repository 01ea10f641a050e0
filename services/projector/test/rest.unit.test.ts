import { describe, expect, it } from '@jest/globals'
import { makeRest } from '../src/rest.ts'

/** A lane whose clock is the test's; tells how long it would have waited. */
const laneAt = () => {
  const clock = { ms: 0 }
  const rest = makeRest(() => clock.ms)
  const waited = async (records: number): Promise<boolean> => {
    let isOver = false
    const waiting = rest.before(records).then(() => {
      isOver = true
    })
    await Promise.resolve()
    await Promise.resolve()
    const hasWaited = !isOver
    await waiting
    return hasWaited
  }
  return { clock, rest, waited }
}

describe('a lane', () => {
  it('does not wait with an event that comes after a quiet time', async () => {
    const { clock, rest, waited } = laneAt()
    expect(await waited(1)).toBe(false)
    clock.ms = 10
    rest.after()
    clock.ms = 20
    expect(await waited(1)).toBe(false)
  })

  it('rests after a small batch as long as that took', async () => {
    const { clock, rest, waited } = laneAt()
    await waited(1)
    clock.ms = 10
    rest.after()
    clock.ms = 15
    expect(await waited(1)).toBe(true)
  })

  it('does not rest while much waits', async () => {
    const { clock, rest, waited } = laneAt()
    await waited(1)
    clock.ms = 10
    rest.after()
    expect(await waited(200)).toBe(false)
  })
})
