import type { ProblemRule } from '@millrace/runtime'
import { z } from 'zod'

const currentVersion = z.int().describe('Of the aggregate, now.')

const REPLAYED = '`true` when this is the answer to an earlier request under the same key.'

/** Somebody else was there; `description` says for whom that is so. */
export const conflictProblem = (description: string): ProblemRule => ({
  description,
  members: z.strictObject({ currentVersion: currentVersion.optional() }),
  optionalHeaders: { 'retry-after': 'Seconds to wait, while the first request is running.' },
})

export const preconditionProblem: ProblemRule = {
  description: 'If-Match does not name the current version, or If-None-Match found one.',
  members: z.strictObject({ currentVersion }),
  headers: { etag: 'The current version.' },
}

/** A business no is kept, and given again under its key. */
export const refusedProblem = (description: string, rejections: readonly string[]): ProblemRule => ({
  description,
  members: z.strictObject({
    rejection: z.enum(rejections).optional().describe('Why the rules say no.'),
    stream: z.string().optional().describe('Whose rules.'),
  }),
  optionalHeaders: { 'idempotent-replayed': REPLAYED },
})
