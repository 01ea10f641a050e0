import { describe, expect, it } from '@jest/globals'
import { type LaneInput, type LaneState, firstStep, stepLane } from '../src/lane-state.ts'

const running: LaneState = { type: 'running' }
const retrying: LaneState = { type: 'retrying', attempt: 2, error: 'down' }
const fenced: LaneState = { type: 'fenced', sinceMs: 1_000 }
const stopped: LaneState = { type: 'stopped', reason: 'gap' }
const draining: LaneState = { type: 'draining' }
const closed: LaneState = { type: 'closed' }
const all: readonly LaneState[] = [firstStep.state, running, retrying, fenced, stopped, draining, closed]

const answered = (outcome: (LaneInput & { type: 'answered' })['outcome'], atMs = 0): LaneInput => ({
  type: 'answered',
  outcome,
  atMs,
})
const applied = answered({ type: 'applied', nextOffset: 7n })

describe('a lane', () => {
  it('begins by claiming its partition', () => {
    expect(firstStep).toEqual({
      state: { type: 'opening', attempt: 1 },
      effects: [{ type: 'open', afterMs: 0 }],
    })
  })

  it('consumes from where its session says', () => {
    expect(stepLane(firstStep.state, { type: 'opened', nextOffset: 42n })).toEqual({
      state: running,
      effects: [{ type: 'consume', fromOffset: 42n }],
    })
  })

  it('claims again after longer and longer waits, never more than ten seconds', () => {
    let state = firstStep.state
    const waits: number[] = []
    for (let failure = 0; failure < 10; failure += 1) {
      const step = stepLane(state, { type: 'open-failed' })
      state = step.state
      for (const effect of step.effects) if (effect.type === 'open') waits.push(effect.afterMs)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000])
  })

  it('keeps what was applied and goes on', () => {
    expect(stepLane(running, applied)).toEqual({
      state: running,
      effects: [{ type: 'advance', nextOffset: 7n }],
    })
  })

  it('applies the same records again after a failure, later each time', () => {
    const first = stepLane(running, { type: 'apply-failed', error: 'down' })
    expect(first.state).toEqual({ type: 'retrying', attempt: 1, error: 'down' })
    expect(first.effects).toEqual([{ type: 'apply-again', afterMs: 100 }])
    const second = stepLane(first.state, { type: 'apply-failed', error: 'down' })
    expect(second.effects).toEqual([{ type: 'apply-again', afterMs: 200 }])
  })

  it('forgets its failures once records are applied', () => {
    expect(stepLane(retrying, applied).state).toEqual(running)
  })

  it('lets go when it is fenced', () => {
    expect(stepLane(running, answered({ type: 'fenced' }, 1_000))).toEqual({
      state: fenced,
      effects: [{ type: 'let-go' }],
    })
  })

  it.each([999, 1_000])('stays fenced on a heartbeat sent at %d, not after the fencing', (sentAtMs) => {
    expect(stepLane(fenced, { type: 'heartbeat', sentAtMs })).toEqual({ state: fenced, effects: [] })
  })

  it('claims again on a heartbeat sent after the fencing', () => {
    expect(stepLane(fenced, { type: 'heartbeat', sentAtMs: 1_001 })).toEqual(firstStep)
  })

  it('lets go and stays when only a human can help', () => {
    const step = stepLane(retrying, answered({ type: 'stopped', reason: 'gap' }))
    expect(step).toEqual({ state: stopped, effects: [{ type: 'let-go' }] })
    expect(stepLane(stopped, { type: 'heartbeat', sentAtMs: 9_999 })).toEqual({ state: stopped, effects: [] })
  })

  it('keeps what the call in flight has done while it drains, and nothing else', () => {
    const { state } = stepLane(running, { type: 'drain' })
    expect(stepLane(state, applied)).toEqual({
      state: draining,
      effects: [{ type: 'advance', nextOffset: 7n }],
    })
    expect(stepLane(state, { type: 'apply-failed', error: 'down' })).toEqual({ state: draining, effects: [] })
    expect(stepLane(state, answered({ type: 'fenced' }))).toEqual({ state: draining, effects: [] })
  })

  it.each([firstStep.state, retrying, fenced, stopped])(
    'closes at once when it drains with nothing in flight',
    (state) => {
      expect(stepLane(state, { type: 'drain' })).toEqual({ state: closed, effects: [{ type: 'let-go' }] })
    },
  )

  it.each(all.filter(({ type }) => type !== 'closed'))('lets go when it is closed', (state) => {
    expect(stepLane(state, { type: 'closed' })).toEqual({ state: closed, effects: [{ type: 'let-go' }] })
  })

  it.each<LaneInput>([
    { type: 'opened', nextOffset: 1n },
    { type: 'open-failed' },
    applied,
    { type: 'apply-failed', error: 'late' },
    { type: 'heartbeat', sentAtMs: 5_000 },
    { type: 'drain' },
    { type: 'closed' },
  ])('ignores what comes back after it was closed', (input) => {
    expect(stepLane(closed, input).state).toEqual(closed)
  })
})
