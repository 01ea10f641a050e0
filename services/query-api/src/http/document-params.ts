import { z } from 'zod'

const MAX_ID_LENGTH = 512

export const documentParams = z.strictObject({
  id: z
    .string()
    .max(MAX_ID_LENGTH)
    .regex(
      // eslint-disable-next-line no-control-regex -- because control characters are what it is about
      /^[^\x00-\x1f\x7f-\x9f/]*$/,
      `must have at most ${MAX_ID_LENGTH} characters, no slash and no control character`,
    )
    .describe('Key of the document.'),
})
