import { streamOf, type AnyContext } from '@millrace/domain'
import type { StreamId } from '@millrace/mongo'

export type AggregateRef = { readonly tenant: string; readonly context: AnyContext; readonly id: string }

/** The fold of a stream up to the end of one of its commits. */
export type Aggregate = {
  /** Of the last event; 0 when there is none. */
  readonly version: number
  /** Of the last commit, in microseconds (see CommitDocument); 0 when there is none. */
  readonly order: number
  readonly lastCommitId: string | undefined
  readonly state: unknown
}

/** Before its first event. */
export const absent = ({ decider }: AnyContext): Aggregate => ({
  version: 0,
  order: 0,
  lastCommitId: undefined,
  state: decider.initialState,
})

export const streamIdOf = ({ tenant, context, id }: AggregateRef): StreamId => ({
  tenant,
  stream: streamOf(context, id),
})
