import { expect, it } from '@jest/globals'
import {
  type AnyCommand,
  type AnyContext,
  type Context,
  type Occurred,
  fold,
  idField,
} from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import fc from 'fast-check'

/** What accepted commands write, one after the other; rejected ones write nothing. */
export const eventsOf = <State, Command extends AnyCommand, Event extends DomainEvent>(
  { decider }: Context<State, Command, Event>,
  commands: readonly Command[],
): Occurred<Event>[] => {
  const events: Occurred<Event>[] = []
  let state = decider.initialState
  for (const command of commands) {
    const decision = decider.decide(state, command)
    if (decision.type === 'rejected') continue
    const accepted = decision.events.map((event) => ({ ...event, occurredAt: command.at }))
    state = fold(decider, accepted, state)
    events.push(...accepted)
  }
  return events
}

/** Laws of every decider; `commands` should reach every status. */
export const testContextLaws = <State, Command extends AnyCommand, Event extends DomainEvent>(
  context: Context<State, Command, Event>,
  commands: fc.Arbitrary<Command[]>,
): void => {
  it('folds whatever it accepted', () => {
    fc.assert(
      fc.property(commands, (given) => {
        expect(() => fold(context.decider, eventsOf(context, given))).not.toThrow()
      }),
    )
  })

  it('folds in parts as in one go', () => {
    fc.assert(
      fc.property(commands, fc.nat(), (given, at) => {
        const events = eventsOf(context, given)
        const cut = at % (events.length + 1)
        const first = fold(context.decider, events.slice(0, cut))
        expect(fold(context.decider, events.slice(cut), first)).toEqual(fold(context.decider, events))
      }),
    )
  })

  it('makes events whose data is what the context says of them', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const { type, data } of eventsOf(context, given))
          expect(context.eventData[type]?.parse(data)).toEqual(data)
      }),
    )
  })

  it('rejects with reasons of its list only', () => {
    fc.assert(
      fc.property(commands, (given) => {
        const last = given.at(-1)
        if (last === undefined) return
        const decision = context.decider.decide(fold(context.decider, eventsOf(context, given)), last)
        if (decision.type === 'rejected') expect(context.rejections).toContain(decision.reason)
      }),
    )
  })
}

/** The laws mean something only for commands that could have come in. */
export const testAcceptedAtTheDoor = (context: AnyContext, commands: fc.Arbitrary<AnyCommand[]>): void => {
  it('is tried with commands that its schemas accept', () => {
    fc.assert(
      fc.property(commands, (given) => {
        for (const command of given) {
          expect(context.commands[command.type]?.parse(command.body)).toEqual(command.body)
          expect(idField.parse(command.id)).toBe(command.id)
        }
      }),
    )
  })
}
