import type { Codec } from './codec.ts'
import { DecodeError } from './errors.ts'

/** Ids of the writers' schemas of these values, for `ensureWriters`; what has no readable one is told by decoding it. */
export const writerIdsOf = (
  codec: Pick<Codec, 'writerIdOf'>,
  values: Iterable<Buffer | null>,
): Set<number> => {
  const ids = new Set<number>()
  for (const value of values) {
    try {
      if (value) ids.add(codec.writerIdOf(value))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return ids
}
