import { wholeNumber, wholeNumberOr } from '@millrace/runtime'
import { z } from 'zod'

const count = wholeNumberOr(100, { min: 1, max: 1_000 }).describe('At most so many events.')

const version = wholeNumber({ min: 1, max: 999_999_999_999_999 })

export const streamParameters = z.strictObject({
  from: version
    .optional()
    .describe('The first version wanted; without it the beginning, or the end when backward.'),
  count,
  direction: z
    .enum(['forward', 'backward'], 'must be forward or backward')
    .default('forward')
    .describe('Which way to read.'),
})

/** `from` is a position that an earlier page of the same log answered as `next`. */
export const logParameters = z.strictObject({
  from: z.string().optional().describe('`next` of the page before; without it the beginning.'),
  count,
})
