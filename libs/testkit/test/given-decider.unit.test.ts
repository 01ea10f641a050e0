import { AssertionError } from 'node:assert'
import { describe, expect, it } from '@jest/globals'
import { type AnyCommand, type Decision, type Occurred, accept, noOp, reject } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import { GIVEN_AT_MS, given, orderPaid, orderPlaced } from '@millrace/testkit'

type Seen = { readonly times: readonly number[] }

const command = (type: string): AnyCommand => ({ type, id: 'a-1', at: 7, body: {} })

/** Remembers the times it folded and answers as its command says. */
const makeDecider = (decide: (state: Seen) => Decision<DomainEvent>) => ({
  initialState: { times: [] },
  decide,
  evolve: (state: Seen, event: Occurred<DomainEvent>): Seen => ({
    times: [...state.times, event.occurredAt],
  }),
})

const failed = expect.any(AssertionError)
const faultOf = (check: () => void): unknown => {
  try {
    return check()
  } catch (error) {
    return error
  }
}

describe('given/when/then', () => {
  const pays = given(makeDecider(() => accept(orderPaid()))).when(command('pay'))
  const refuses = given(makeDecider(() => reject('no'))).when(command('pay'))
  const ignores = given(makeDecider(() => noOp)).when(command('pay'))

  it('passes when the outcome is the expected one', () => {
    pays.then([orderPaid()])
    refuses.thenRejected('no')
    ignores.thenNothing()
  })

  it.each([
    ['other events', () => pays.then([orderPlaced()])],
    ['other data', () => pays.then([orderPaid({ method: 'cash' })])],
    ['too few events', () => pays.then([orderPaid(), orderPaid()])],
    ['events for nothing', () => pays.thenNothing()],
    ['events for a rejection', () => pays.thenRejected('no')],
    ['another reason', () => refuses.thenRejected('never')],
    ['a rejection for nothing', () => refuses.thenNothing()],
    ['a rejection for events', () => refuses.then([orderPaid()])],
    ['nothing for events', () => ignores.then([orderPaid()])],
    ['nothing for a rejection', () => ignores.thenRejected('no')],
  ])('fails on %s', (_, check) => expect(faultOf(check)).toEqual(failed))

  it('takes a context for its decider', () => {
    given({ decider: makeDecider(() => noOp) })
      .when(command('pay'))
      .thenNothing()
  })

  it('lets given events happen a second apart unless they say when', () => {
    const seen: number[][] = []
    const decider = makeDecider((state) => {
      seen.push([...state.times])
      return noOp
    })
    given(decider, [orderPlaced(), { ...orderPaid(), occurredAt: 5 }, orderPaid()]).when(command('pay'))
    expect(seen[0]).toEqual([GIVEN_AT_MS, 5, GIVEN_AT_MS + 2000])
  })

  it('fails on a decider that answers differently the second time', () => {
    let asked = 0
    const fickle = makeDecider(() => (asked++ === 0 ? noOp : reject('no')))
    expect(faultOf(() => given(fickle).when(command('pay')))).toEqual(failed)
  })

  it('fails on a decider that changes its state', () => {
    const decider = {
      initialState: { count: 0 },
      decide: (state: { count: number }) => (state.count++ === 0 ? noOp : noOp),
      evolve: (state: { count: number }) => state,
    }
    expect(() => given(decider).when(command('pay'))).toThrow(TypeError)
  })

  it('fails on a decider that cannot fold what it accepted', () => {
    const stubborn = {
      ...makeDecider(() => accept(orderPaid())),
      evolve: () => {
        throw new Error('cannot fold this')
      },
    }
    expect(() => given(stubborn).when(command('pay'))).toThrow('cannot fold this')
  })
})
