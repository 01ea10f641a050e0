import { z } from 'zod'
import type { Precondition } from '../write.ts'

const toPrecondition = (header: string): Precondition | undefined => {
  if (header === 'any') return undefined
  return { type: 'versions', versions: [header === 'none' ? 0 : Number(header)] }
}

const SEND_IT = 'send the stream\u2019s version, none (a new stream) or any'

/** The Expected-Version header: a version (`0` as `none`: a stream without events), `none` or `any`. */
export const expectedVersionField = z
  .string({ error: SEND_IT })
  .regex(/^(?:any|none|0|[1-9]\d{0,14})$/, SEND_IT)
  .transform(toPrecondition)
  .describe('The version that the stream must have, `none` for one that does not exist, or `any`.')
