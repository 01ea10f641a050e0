import type { BuildReader } from '@millrace/mongo'
import { foldLog, type LogFoldDeps } from './log-fold.ts'
import type { Source } from './source.ts'

/** What a build goes on with. */
export type BuildMaking = Pick<LogFoldDeps, 'log' | 'codec' | 'projection' | 'shards' | 'onProgress'>

/**
 * A build as it is in the store: nothing but its projector moves it, and what it would become is made in memory.
 * `making` is null when the store does not keep its topics.
 */
export const buildSource = (reader: BuildReader, making: BuildMaking | null): Source => ({
  keys: reader.keys,
  read: async (keys) => {
    const start = await reader.read(keys)
    if (!making) {
      const sight = { ...start, at: async () => sight }
      return sight
    }
    const wanted = new Set(keys)
    const { parked } = reader
    const fold = foldLog({ ...making, start, parked, wants: (key) => wanted.has(key) })
    return fold.read(keys)
  },
})
