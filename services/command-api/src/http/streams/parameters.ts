import { z } from 'zod'

const count = z
  .string()
  .regex(/^(?:[1-9]\d{0,2}|1000)$/, 'must be a whole number from 1 to 1000')
  .default('100')
  .transform(Number)
  .describe('At most so many events, 1 to 1000.')

const version = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be a version: a whole number, 1 or above')
  .transform(Number)

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
