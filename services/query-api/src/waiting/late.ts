import type { AnyProjection } from '@millrace/domain'
import { problems, type ProblemError, type ProblemRule } from '@millrace/runtime'
import { z } from 'zod'

const lateStates = ['pending', 'rebuilding', 'quarantined', 'failed'] as const
export type LateState = (typeof lateStates)[number]

/** Where a read model stands that does not have a position yet; sequences of the partition that is waited for. */
export type Lateness = {
  readonly state: LateState
  readonly reached: number
  /** Undefined until the position is in the log. */
  readonly wanted: number | undefined
}

/** What a list or document is answered with when it is asked for too early. */
export const lateProblem: ProblemRule = {
  description: 'The read model has not reached the position of `after`, or never will by waiting.',
  members: z
    .strictObject({
      projection: z.string(),
      state: z
        .enum(lateStates)
        .describe(
          'pending: not yet. rebuilding: not yet, and more than 1,000 events behind. quarantined: an event of the ' +
            'key was set aside, so this one waits behind it. failed: the read model has stopped in this partition. ' +
            'The last two are answered at once.',
        ),
      published: z.boolean().describe('Whether the log has the position.'),
      reachedSequence: z
        .int()
        .describe('Of the read model, in the partition of the position; of heartbeats, an offset.'),
      wantedSequence: z.int().describe('Of the position, if it is published.'),
    })
    .partial(),
  headers: { 'retry-after': 'Seconds to wait before asking again.' },
}

/** Nobody waits for what waiting cannot bring. */
export const isFinal = ({ state }: Lateness): boolean => state === 'quarantined' || state === 'failed'

const explained: Readonly<Record<LateState, string>> = {
  pending: 'has not reached the position yet',
  rebuilding: 'is being built and has not reached the position yet',
  quarantined: 'has set an event of this key aside: the position waits until somebody has looked',
  failed: 'has stopped before the position: somebody has to look',
}

export const late = ({ name }: AnyProjection, lateness: Lateness): ProblemError => {
  const { state, reached, wanted } = lateness
  return problems.timeout(`${name} ${explained[state]}`, {
    headers: { 'retry-after': isFinal(lateness) ? '30' : '1' },
    members: {
      projection: name,
      state,
      published: wanted !== undefined,
      reachedSequence: reached,
      ...(wanted === undefined ? {} : { wantedSequence: wanted }),
    },
  })
}

/** Events of a partition: so many behind, it is on its way to the end of the log and not just not there yet. */
const FAR_BEHIND = 1_000

export const behind = (reached: number, wanted: number | undefined): Lateness => ({
  state: wanted !== undefined && wanted - reached > FAR_BEHIND ? 'rebuilding' : 'pending',
  reached,
  wanted,
})
