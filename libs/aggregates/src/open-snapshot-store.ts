import { fileURLToPath } from 'node:url'
import { mongoSnapshotStore, type MongoConnection, type SnapshotStore } from '@millrace/mongo'
import { z } from 'zod'
import { fileSnapshotStore } from './file-snapshot-store.ts'
import { memorySnapshotStore } from './memory-snapshot-store.ts'
import { tieredSnapshotStore } from './tiered-snapshot-store.ts'

export type SnapshotPlace =
  { readonly type: 'mongodb' } | { readonly type: 'files'; readonly directory: string }

const placeOf = (text: string): SnapshotPlace | undefined => {
  if (text === 'mongodb') return { type: 'mongodb' }
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const isDirectory = url.protocol === 'file:' && url.host === '' && url.pathname !== '/'
  return isDirectory ? { type: 'files', directory: fileURLToPath(url) } : undefined
}

/** For the configuration of each service that makes or reads snapshots. */
export const snapshotEnv = {
  /** Where they are kept, the same for all services. */
  SNAPSHOT_STORE: z
    .string()
    .default('mongodb')
    .transform((text, context): SnapshotPlace => {
      const place = placeOf(text)
      if (place) return place
      context.addIssue({ code: 'custom', message: 'must be mongodb or a directory as file:///path' })
      return z.NEVER
    }),
}

export const openSnapshotStore = (place: SnapshotPlace, connection: MongoConnection): SnapshotStore => {
  switch (place.type) {
    case 'mongodb':
      return mongoSnapshotStore(connection)
    case 'files':
      return fileSnapshotStore(place.directory)
  }
}

/** How long what others save may stay unseen. */
const MAX_AGE_MS = 10_000

/** The newest snapshots of hot aggregates in memory, in front of where they are kept; 0 bytes: none. */
export const withMemory = (store: SnapshotStore, maxBytes: number): SnapshotStore =>
  maxBytes === 0 ? store : tieredSnapshotStore(memorySnapshotStore({ maxBytes, maxAgeMs: MAX_AGE_MS }), store)
