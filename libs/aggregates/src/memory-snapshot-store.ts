import type { Snapshot, SnapshotStore, StoredSnapshot, StreamId, UpTo } from '@millrace/mongo'
import { LRUCache } from 'lru-cache'

export type MemoryLimits = {
  /** Of all snapshots as JSON; what was used least recently goes first, a stream at a time. */
  readonly maxBytes: number
  /** How long what was saved counts; for ever when unset. */
  readonly maxAgeMs?: number
}

/** As text: its size is known, and no reader can change what the next one reads. */
type Held = { readonly version: number; readonly order: number; readonly json: string }

/** Snapshots of one stream, the newest first. */
type Shelf = readonly Held[]

/** JSON strings take up to two bytes a character. */
const bytesOf = (shelf: Shelf): number => shelf.reduce((sum, { json }) => sum + 2 * json.length, 1)

export const memorySnapshotStore = ({ maxBytes, maxAgeMs = 0 }: MemoryLimits): SnapshotStore => {
  const shelves = new LRUCache<string, Shelf>({
    maxSize: maxBytes,
    sizeCalculation: bytesOf,
    ttl: maxAgeMs,
  })
  const shelfOf = (stream: StreamId): Shelf => shelves.get(nameOf(stream)) ?? []
  const without = (stream: StreamId, versions: readonly number[]): Held[] =>
    shelfOf(stream).filter(({ version }) => !versions.includes(version))

  return {
    closest: async (stream, upTo = {}) => {
      const held = shelfOf(stream).find((one) => isWithin(one, upTo))
      return held && toStored(held)
    },
    newest: async (streams) =>
      streams.map((stream) => {
        const [held] = shelfOf(stream)
        return held && toStored(held)
      }),
    list: async (stream) => shelfOf(stream).map(toStored),
    save: async (snapshot) => {
      const others = without(snapshot, [snapshot.version])
      shelves.set(
        nameOf(snapshot),
        [...others, toHeld(snapshot)].toSorted((a, b) => b.version - a.version),
      )
    },
    remove: async (stream, versions) => {
      const left = without(stream, versions)
      if (left.length > 0) shelves.set(nameOf(stream), left)
      else shelves.delete(nameOf(stream))
    },
  }
}

const nameOf = ({ tenant, stream }: StreamId): string => JSON.stringify([tenant, stream])

const isWithin = ({ version, order }: Held, upTo: UpTo): boolean =>
  version <= (upTo.version ?? version) && order <= (upTo.order ?? order)

const toHeld = (snapshot: Snapshot): Held => ({
  version: snapshot.version,
  order: snapshot.order,
  json: JSON.stringify(snapshot),
})

const toStored = ({ version, json }: Held): StoredSnapshot => ({ version, content: JSON.parse(json) })
