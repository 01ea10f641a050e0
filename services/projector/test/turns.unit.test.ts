import { describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { makeTurns } from '../src/turns.ts'

const lane = (nextOffset: bigint, lag = 0n) => ({ nextOffset, lag, state: { type: 'running' } as const })

describe('turns', () => {
  it('are everybody’s at once while nothing arrives for the served lanes', async () => {
    const turns = makeTurns(() => [lane(7n)])
    await Promise.all([turns.take(), turns.take(), turns.take()])
  })

  it('are one at a time while the served lanes move', async () => {
    let offset = 0n
    const turns = makeTurns(() => [lane((offset += 1n))])
    await turns.take()
    const first = await turns.take()
    let isSecond = false
    const second = turns.take().then((end) => {
      isSecond = true
      return end
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isSecond).toBe(false)
    first()
    ;(await second)()
    expect(isSecond).toBe(true)
  })

  it('end a rest after a second, however long a batch hung', async () => {
    const AN_OUTAGE_MS = 60_000
    let [offset, nowMs] = [0n, 0]
    const turns = makeTurns(
      () => [lane((offset += 1n))],
      () => nowMs,
    )
    await turns.take()
    const endHanging = await turns.take()
    nowMs += AN_OUTAGE_MS
    endHanging()
    // Of those who rest as long, this one would come after the test has been given up.
    await turns.take()
  })

  it('wait for a served lane that is far behind, but not for ever', async () => {
    let [offset, lag] = [0n, 501n]
    const turns = makeTurns(() => [lane((offset += 1n), lag)])
    await turns.take()
    let isMine = false
    const mine = turns.take().then(() => {
      isMine = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(isMine).toBe(false)
    lag = 0n
    await mine
    lag = 501n
    const late = makeTurns(() => [lane((offset += 1n), lag)])
    await late.take()
    let isLate = false
    void late.take().then(() => {
      isLate = true
    })
    await eventually(
      () => isLate,
      (done) => done,
    )
  })
})
