import { describe, expect, it } from '@jest/globals'
import { accept, fold, noOp, reject } from '@millrace/domain'

const counter = {
  initialState: 0,
  decide: () => noOp,
  evolve: (state: number, event: { readonly add: number; readonly occurredAt: number }) => state + event.add,
}

const add = (amount: number) => ({ add: amount, occurredAt: 0 })

describe('a decision', () => {
  it('accepts with one event or several', () => {
    expect(accept('a')).toEqual({ type: 'accepted', events: ['a'] })
    expect(accept('a', 'b')).toEqual({ type: 'accepted', events: ['a', 'b'] })
  })

  it('accepts with nothing to do', () => expect(noOp).toEqual({ type: 'accepted', events: [] }))

  it('rejects with a reason', () => expect(reject('no')).toEqual({ type: 'rejected', reason: 'no' }))
})

describe('fold', () => {
  it('is the initial state without events', () => expect(fold(counter, [])).toBe(0))

  it('goes through the events in order', () => expect(fold(counter, [add(1), add(2)])).toBe(3))

  it('goes on from a given state', () => expect(fold(counter, [add(1)], 40)).toBe(41))
})
