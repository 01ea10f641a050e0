import type { ReplyRule } from '@millrace/runtime'
import { z } from 'zod'

/** What an accepted write is answered with. */
const writtenBody = z
  .strictObject({
    stream: z.string(),
    version: z.int().describe('Of the aggregate after this request.'),
    events: z.array(z.strictObject({ id: z.string(), type: z.string(), version: z.int() })),
    position: z.string().optional().describe('What read models are asked to wait for, by `after`.'),
  })
  .meta({ id: 'Written' })

export const writtenReply: ReplyRule = {
  description: 'Accepted, or given again',
  schema: writtenBody,
  headers: { etag: 'The version, as an entity tag.' },
  optionalHeaders: {
    'idempotent-replayed': '`true` when this is the answer to an earlier request under the same key.',
  },
}
