/** What a command came to. Accepted with no events is a no-op: a true yes that changes nothing. */
export type Decision<Event, Reason extends string = string> =
  | { readonly type: 'accepted'; readonly events: readonly Event[] }
  | { readonly type: 'rejected'; readonly reason: Reason }

/** An event with the time it happened: all that a fold may know about time. */
export type Occurred<Event> = Event & { readonly occurredAt: number }

// Method syntax on purpose: it lets `Decider<OrderState, …>` stand in a list of deciders of unknown state.
export type Decider<State, Command, Event> = {
  readonly initialState: State
  decide(this: void, state: State, command: Command): Decision<Event>
  evolve(this: void, state: State, event: Occurred<Event>): State
}

export const accept = <Event>(...events: readonly Event[]) => ({ type: 'accepted', events }) as const

export const reject = <Reason extends string>(reason: Reason) => ({ type: 'rejected', reason }) as const

export const noOp = { type: 'accepted', events: [] } as const

export const fold = <State, Event>(
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  events: Iterable<Occurred<Event>>,
  from: State = decider.initialState,
): State => {
  let state = from
  for (const event of events) state = decider.evolve(state, event)
  return state
}
