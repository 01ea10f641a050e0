/*
 * Given these events, when this command, then those events (or this rejection, or nothing).
 *
 * Checked beside what the test asks for: `decide` and `evolve` leave what they were given alone, `decide` gives the
 * same answer twice, and whatever it accepts can be folded again, so no rule writes an event that its own state
 * refuses.
 */
import { deepStrictEqual } from 'node:assert/strict'
import { type AnyCommand, type Decider, type Decision, fold } from '@millrace/domain'
import type { DomainEvent } from '@millrace/events'
import { frozen } from './frozen.ts'

/** Given events that name no time of their own happened at this one, UTC ms, and a second after each other. */
export const GIVEN_AT_MS = Date.UTC(2026, 0, 1)

const EVENT_GAP_MS = 1000

type GivenEvent<Event> = Event & { readonly occurredAt?: number }

type Subject<State, Command, Event> =
  Decider<State, Command, Event> | { readonly decider: Decider<State, Command, Event> }

type Outcome<Event> = {
  then(events: readonly Event[]): void
  thenRejected(reason: string): void
  thenNothing(): void
}

export const given = <State, Command extends AnyCommand, Event extends DomainEvent>(
  subject: Subject<State, Command, Event>,
  events: readonly GivenEvent<Event>[] = [],
): { when(command: Command): Outcome<Event> } => {
  const decider = 'decider' in subject ? subject.decider : subject
  return {
    when: (command) => outcomeOf(decideTwice(decider, frozen(stateAfter(decider, events)), frozen(command))),
  }
}

const stateAfter = <State, Command, Event>(
  decider: Decider<State, Command, Event>,
  events: readonly GivenEvent<Event>[],
): State =>
  fold(
    decider,
    events.map((event, at) => frozen({ ...event, occurredAt: timeOf(event, at) })),
  )

const timeOf = (event: { readonly occurredAt?: number }, index: number): number =>
  event.occurredAt ?? GIVEN_AT_MS + index * EVENT_GAP_MS

const decideTwice = <State, Command extends AnyCommand, Event>(
  decider: Decider<State, Command, Event>,
  state: State,
  command: Command,
): Decision<Event> => {
  const decision = decider.decide(state, command)
  deepStrictEqual(decider.decide(state, command), decision, 'decide must give the same answer twice')
  if (decision.type === 'accepted') {
    fold(
      decider,
      decision.events.map((event) => frozen({ ...event, occurredAt: command.at })),
      state,
    )
  }
  return decision
}

const outcomeOf = <Event>(decision: Decision<Event>): Outcome<Event> => ({
  then: (events) => deepStrictEqual(decision, { type: 'accepted', events: [...events] }),
  thenRejected: (reason) => deepStrictEqual(decision, { type: 'rejected', reason }),
  thenNothing: () => deepStrictEqual(decision, { type: 'accepted', events: [] }),
})
