import { problems } from '@millrace/runtime'
import type { Precondition } from '../write.ts'

/** The Expected-Version header: a version (`0` as `none`: a stream without events), `none` or `any`; else 400. */
export const parseExpectedVersion = (header: string | undefined): Precondition | undefined => {
  if (header === 'any') return undefined
  if (header === 'none') return { type: 'versions', versions: [0] }
  if (header !== undefined && /^\d{1,15}$/.test(header))
    return { type: 'versions', versions: [Number(header)] }
  throw problems.badRequest('send Expected-Version: the stream\u2019s version, none (a new stream) or any')
}
