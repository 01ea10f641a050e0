// Where the states of tables live: one document a key, written like a read model's, in one transaction with the checkpoint
// and with the messages that publish them. Beside its fields a state has the time at which time alone changes it, so that
// the ones that are due are found without a look at the others.

import type { Filter } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { tableToAge } from './across-tenants.ts'
import { collectionsOf } from './collections.ts'
import { withoutEngineMembers, type CheckpointId, type ReadModelDocument } from './documents.ts'
import { ensureReadModelIndexes } from './indexes.ts'
import type { CommitBatch, DocumentWrite } from './lane-commits.ts'
import { translating } from './mongo-error.ts'
import type { Outbox } from './outbox.ts'
import { mongoProjectionStore, type ProjectionStore } from './projection-store.ts'

export type StateWrite = DocumentWrite & {
  /** UTC ms by the clock of its topic; null: time alone changes it no more. */
  readonly changesAt: number | null
}

export type StateBatch = Omit<CommitBatch, 'writes' | 'parked' | 'late'> & {
  readonly states: readonly StateWrite[]
}

export type StoredState = {
  readonly id: string
  /** That it was last written with. */
  readonly sequence: number
  readonly fields: Record<string, unknown>
}

export type TableStore = Pick<ProjectionStore, 'claim' | 'read' | 'find'> & {
  /** Of the lane's partition, those that time has changed by `clockMs`: the longest due first, `limit` at most. */
  due(id: CheckpointId, clockMs: number, limit: number): Promise<StoredState[]>
  /** Those of the lane's partition whose id comes after this one, in order, `limit` at most. */
  page(id: CheckpointId, after: string, limit: number): Promise<StoredState[]>
  /** As of a projection; the messages wait in the outbox once it is applied. */
  commit(id: CheckpointId, batch: StateBatch): ReturnType<ProjectionStore['commit']>
  /** Prepares a table, `<name>.<version>`; doing it again changes nothing. */
  prepare(table: string): Promise<void>
}

type Listed = {
  readonly where: Filter<ReadModelDocument>
  readonly by: '_changesAt' | '_id'
  readonly limit: number
}

export const mongoTableStore = (connection: MongoConnection, outbox: Outbox): TableStore => {
  const collections = collectionsOf(connection)
  const { claim, read, find, commit } = mongoProjectionStore(connection, outbox)
  const list = (table: string, { where, by, limit }: Listed): Promise<StoredState[]> =>
    translating(() =>
      connection.inCausalSession(async (session) => {
        const found = tableToAge(collections, table).find(where, { session })
        const documents = await found
          .sort({ [by]: 1 })
          .limit(limit)
          .toArray()
        return documents.map(toState)
      }),
    )
  return {
    ...{ claim, read, find },
    due: ({ projection, partition }, clockMs, limit) =>
      list(projection, {
        where: { _partition: partition, _changesAt: { $lte: clockMs } },
        by: '_changesAt',
        limit,
      }),
    page: ({ projection, partition }, after, limit) =>
      list(projection, { where: { _partition: partition, _id: { $gt: after } }, by: '_id', limit }),
    commit: (id, { states, ...batch }) => commit(id, { ...batch, writes: states.map(toWrite) }),
    prepare: (table) =>
      translating(async () => {
        await ensureReadModelIndexes(connection, { projection: table, indexes: [] })
        await tableToAge(collections, table).createIndex({ _partition: 1, _changesAt: 1 }, { name: 'due' })
      }),
  }
}

const toState = (document: ReadModelDocument): StoredState => ({
  id: document._id,
  sequence: document._sequence ?? 0,
  fields: withoutEngineMembers(document),
})

const toWrite = ({ fields, changesAt, ...write }: StateWrite): DocumentWrite => ({
  ...write,
  fields: fields && { ...fields, _changesAt: changesAt },
})
