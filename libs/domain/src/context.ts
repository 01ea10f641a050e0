import type { DomainEvent, TopicName } from '@millrace/events'
import type { z } from 'zod'
import type { AnyProjection, Document } from './projections/projection.ts'
import type { Decider, Decision, Occurred } from './decider.ts'

/** A command as `decide` gets it: `id` of the aggregate, `at` in UTC ms (domain code never reads a clock). */
export type AnyCommand = {
  readonly type: string
  readonly id: string
  readonly at: number
  readonly body: unknown
}

export type CommandBodies = Readonly<Record<string, z.ZodObject>>

/** The union of commands that a record of body schemas describes; the record is the only place they are listed. */
export type CommandOf<Bodies extends CommandBodies> = {
  [Type in keyof Bodies & string]: {
    readonly type: Type
    readonly id: string
    readonly at: number
    readonly body: z.output<Bodies[Type]>
  }
}[keyof Bodies & string]

export type Context<State, Command extends AnyCommand, Event extends DomainEvent> = {
  readonly name: string
  readonly aggregate: string
  /** First segment of its URLs. */
  readonly path: string
  readonly topic: TopicName
  /** Body schema of each command, by the command's name in URLs. */
  readonly commands: Readonly<Record<Command['type'], z.ZodObject>>
  /**
   * What the data of each event may be, for those that no command made. Avro says what a field is; this says what is in
   * it, and so how large keys, documents and cursors can get.
   */
  readonly eventData: Readonly<Record<string, z.ZodType>>
  /** Every reason `decide` may reject with. */
  readonly rejections: readonly string[]
  readonly decider: Decider<State, Command, Event>
  /** Read models that change in the transaction of the commit; empty costs nothing (ADR 0010). */
  readonly inline: readonly InlineRule[]
  readonly snapshots: SnapshotPolicy
}

/** When the states of a context are kept, so that loading need not begin with the first event. */
export type SnapshotPolicy = {
  /** Of `State` and `evolve` together: raised when the same events give another state, or one of another shape. */
  readonly stateVersion: number
  readonly everyEvents: number
  /** An aggregate that is in use gets one in this time, however few its events. */
  readonly everyMs: number
}

/** An inline read model and its say in a decision that `decide` has accepted. */
export type InlineRule = {
  readonly projection: AnyProjection
  /** Reason to reject the command after all; `document` is as the commit's own transaction sees it. */
  refuse(this: void, document: Document | null, event: DomainEvent): string | null
}

export type AnyContext = Context<unknown, AnyCommand, DomainEvent>

// Function properties, unlike the methods of Decider, are checked strictly: a schema that `decide` has no rule for
// does not compile.
type StrictDecider<State, Command, Event> = {
  readonly initialState: State
  readonly decide: (state: State, command: Command) => Decision<Event>
  readonly evolve: (state: State, event: Occurred<Event>) => State
}

type Definition<State, Bodies extends CommandBodies, Event extends DomainEvent> = Omit<
  Context<State, CommandOf<Bodies>, Event>,
  'commands' | 'decider'
> & { readonly commands: Bodies; readonly decider: StrictDecider<State, CommandOf<Bodies>, Event> }

/** Ties three things together at compile time: a command's name, its body schema and the union `decide` takes. */
export const defineContext = <State, Bodies extends CommandBodies, Event extends DomainEvent>(
  definition: Definition<State, Bodies, Event>,
): Definition<State, Bodies, Event> => definition

type Streams = Pick<AnyContext, 'name' | 'aggregate'>

/** All streams of one aggregate: `orders.order`. */
export const categoryOf = ({ name, aggregate }: Streams): string => `${name}.${aggregate}`

/** One aggregate's events: `orders.order-o-17`. */
export const streamOf = (context: Streams, id: string): string => `${categoryOf(context)}-${id}`
