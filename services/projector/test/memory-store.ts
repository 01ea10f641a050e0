import type {
  Checkpoint,
  CheckpointId,
  DocumentWrite,
  LateEvent,
  ParkedEvent,
  ProjectionStore,
} from '@millrace/mongo'
import { parkingKeyOf } from '@millrace/mongo'

/** What lanes write, of one build, without a server. */
export type MemoryStore = ProjectionStore & {
  /** By `_id`; each as the database would give it back. */
  readonly documents: ReadonlyMap<string, Record<string, unknown>>
  /** Keys by sequence. */
  parked(place: { topic: string; partition: number }): ReadonlyMap<number, string | null>
  readonly late: readonly LateEvent[]
}

export const memoryStore = (): MemoryStore => {
  const documents = new Map<string, Record<string, unknown>>()
  const checkpoints = new Map<string, Checkpoint>()
  const parked = new Map<string, ParkedEvent[]>()
  const late: LateEvent[] = []
  const at = ({ topic, partition }: Omit<CheckpointId, 'projection'>): string => `${topic}/${partition}`
  const parkedAt = (place: Omit<CheckpointId, 'projection'>): ParkedEvent[] => parked.get(at(place)) ?? []
  const write = ({ id, fields }: DocumentWrite): void => {
    if (fields) documents.set(id, JSON.parse(JSON.stringify(fields)) as Record<string, unknown>)
    else documents.delete(id)
  }
  return {
    documents,
    late,
    parked: (place) =>
      new Map(
        parkedAt(place).flatMap((event) =>
          event.sequence === null ? [] : [[event.sequence, parkingKeyOf(event)] as const],
        ),
      ),
    claim: async (id, { owner, incarnation }) => {
      const first = { nextOffset: 0, lastSequence: 0, lastId: null, lastTs: null, watermark: null }
      const claimed = { ...first, ...checkpoints.get(at(id)), owner, incarnation, epoch: 1 }
      checkpoints.set(at(id), claimed)
      return claimed
    },
    read: async (id) => checkpoints.get(at(id)),
    find: async (_, keys) =>
      new Map(
        keys.flatMap(({ id }) => {
          const found = documents.get(id)
          return found ? [[id, found] as const] : []
        }),
      ),
    markStopped: async () => undefined,
    parkedKeys: async (id) =>
      new Set(
        parkedAt(id)
          .map((event) => parkingKeyOf(event))
          .filter((key) => key !== null),
      ),
    commit: async (id, batch) => {
      checkpoints.set(at(id), { ...batch.from, ...batch.to })
      batch.writes.forEach(write)
      parked.set(at(id), [...parkedAt(id), ...(batch.parked ?? [])])
      late.push(...(batch.late ?? []))
      return 'applied'
    },
  }
}
