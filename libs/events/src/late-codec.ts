import type { Codec } from '@millrace/events'

/**
 * Who only reads needs no registry to start; what tables publish needs one. So its codec is connected when it is asked for
 * first, and again as long as that fails.
 */
export const makeTableCodec = (connect: () => Promise<Codec>): (() => Promise<Codec>) => {
  let connected: Promise<Codec> | undefined
  return () => {
    const codec = (connected ??= connect())
    codec.catch(() => (connected = undefined))
    return codec
  }
}
