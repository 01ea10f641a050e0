import { describe, expect, it } from '@jest/globals'
import { type ConsumerInput, type ConsumerState, stepConsumer } from '../src/consumer-state.ts'

const starting: ConsumerState = { type: 'starting', sinceMs: 0 }
const after = (...inputs: ConsumerInput[]): string =>
  inputs.reduce<ConsumerState>((state, input) => stepConsumer(state, input, 1), starting).type

const joined: ConsumerInput = { type: 'joined', generation: 1 }
const crash: ConsumerInput = { type: 'crashed', error: 'gone', willRestart: false }
const restart: ConsumerInput = { type: 'crashed', error: 'gone', willRestart: true }

describe('a consumer', () => {
  it('runs once it has joined, and again after each rebalance and restart', () => {
    expect(after(joined)).toBe('running')
    expect(after(joined, { type: 'rebalancing' })).toBe('rebalancing')
    expect(after(joined, { type: 'rebalancing' }, joined)).toBe('running')
    expect(after(joined, restart)).toBe('restarting')
    expect(after(joined, restart, joined)).toBe('running')
  })

  it('stays stopping when the group joins it once more', () => {
    expect(after(joined, { type: 'stop' }, joined)).toBe('stopping')
    expect(after(joined, { type: 'stop' }, crash)).toBe('stopping')
    expect(after(joined, { type: 'stop' }, { type: 'stopped' })).toBe('stopped')
  })

  it('stays crashed until it is stopped', () => {
    expect(after(joined, crash, joined)).toBe('crashed')
    expect(after(joined, crash, { type: 'stop' })).toBe('stopping')
  })

  it('knows since when', () => {
    expect(stepConsumer(starting, joined, 77)).toEqual({ type: 'running', generation: 1, sinceMs: 77 })
  })
})
