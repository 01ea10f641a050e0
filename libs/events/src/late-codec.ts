import type { Codec } from './codec.ts'

/**
 * Who only reads needs no registry to start; what is written needs one. So the codec of a service that writes besides its
 * other work is connected when it is asked for first, and again as long as that fails.
 */
export const makeLateCodec = (connect: () => Promise<Codec>): (() => Promise<Codec>) => {
  let connected: Promise<Codec> | undefined
  return () => {
    const codec = (connected ??= connect())
    codec.catch(() => (connected = undefined))
    return codec
  }
}
