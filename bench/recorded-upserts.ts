import { BSON, type AnyBulkWriteOperation, type Document } from 'mongodb'
import type { BareMongo } from './bare-commits.ts'
import { timed } from './measure.ts'
import type { OnCommit } from './projection-run.ts'

type Stored = Document & { _id: string }

export type RecordedUpserts = {
  readonly record: OnCommit
  /** Seconds for the very same writes in the very same batches, one call after the other. */
  write(collection: ReturnType<BareMongo['collection']>): Promise<number>
}

/** Kept as BSON: so many objects in the heap would slow down whoever is measured in this process. */
export const recordUpserts = (): RecordedUpserts => {
  const batches: Uint8Array[] = []
  return {
    record: ({ partition }, { writes }) => {
      if (writes.length === 0) return
      const documents = writes.map(({ id, tenant, fields, sequence }) => ({
        ...fields,
        _id: id,
        _tenant: tenant,
        _partition: partition,
        _sequence: sequence,
      }))
      batches.push(BSON.serialize({ documents }))
    },
    write: async (collection) => {
      let seconds = 0
      for (const batch of batches) {
        const { documents } = BSON.deserialize(batch) as { documents: Stored[] }
        const upserts = documents.map(toUpsert)
        seconds += await timed(() => collection.bulkWrite(upserts, { ordered: false }))
      }
      return seconds
    },
  }
}

const toUpsert = ({ _id, ...replacement }: Stored): AnyBulkWriteOperation<Stored> => ({
  replaceOne: { filter: { _id }, replacement, upsert: true },
})
