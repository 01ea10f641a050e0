import type { SnapshotStore } from '@millrace/mongo'
import { parseSnapshot } from './snapshot.ts'

/**
 * `front` remembers the newest snapshots that were asked for; past ones, and all that is written, are `behind`'s. What
 * others save meanwhile is seen when `front` forgets, so let it: an older snapshot is right too, its tail is longer.
 */
export const tieredSnapshotStore = (front: SnapshotStore, behind: SnapshotStore): SnapshotStore => ({
  newest: behind.newest,
  list: behind.list,
  closest: async (stream, upTo = {}) => {
    if (upTo.version !== undefined || upTo.order !== undefined) return behind.closest(stream, upTo)
    const remembered = await front.closest(stream)
    if (remembered) return remembered
    const stored = await behind.closest(stream)
    const snapshot = stored && parseSnapshot(stream, stored)
    if (snapshot) await front.save(snapshot)
    return stored
  },
  save: async (snapshot) => {
    await behind.save(snapshot)
    await front.save(snapshot)
  },
  remove: async (stream, versions) => {
    await behind.remove(stream, versions)
    await front.remove(stream, versions)
  },
})
