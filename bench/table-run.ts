import { randomUUID } from 'node:crypto'
import { processState, versionedName } from '@millrace/domain'
import { connectCodec, makeLateCodec } from '@millrace/events'
import { partitionFor } from '@millrace/kafka'
import { mongoOutbox, mongoTableStore, topicIncarnations, type TableStore } from '@millrace/mongo'
import { createMetrics, silentLogger } from '@millrace/runtime'
import { runTable, tableMetrics } from '../services/projector/src/run-table.ts'
import type { ProjectorRig } from './projection-run.ts'

type Table = typeof processState

export type TableRun = {
  /** Where its states are. */
  readonly collection: string
  /** Since the first claim, until so many records of its source are folded, and all that comes of them is committed. */
  readonly seconds: Promise<number>
  /** The same clock. */
  elapsed(): number
  stop(): Promise<void>
}

type Race = { readonly store: TableStore; elapsed(): number; readonly seconds: Promise<number> }

const raceOf = (store: TableStore, { source }: Table, records: number): Race => {
  const { promise: seconds, resolve } = Promise.withResolvers<number>()
  let startedAt = 0
  let left = records
  const elapsed = (): number => (performance.now() - startedAt) / 1000
  return {
    elapsed,
    seconds,
    store: {
      ...store,
      claim: (id, by) => {
        startedAt ||= performance.now()
        return store.claim(id, by)
      },
      commit: async (id, batch) => {
        const outcome = await store.commit(id, batch)
        // Beside its source a lane has books of its topic.
        if (outcome === 'applied' && id.topic === source) left -= batch.to.nextOffset - batch.from.nextOffset
        if (left <= 0) resolve(elapsed())
        return outcome
      },
    },
  }
}

let runs = 0

/** process-state from offset 0, under a version that no other run has, as a projector keeps it. */
export const startTable = async (rig: ProjectorRig, records: number): Promise<TableRun> => {
  const { mongo, servers } = rig
  const table: Table = { ...processState, version: `v${1000 + runs++}` }
  const { store, seconds, elapsed } = raceOf(
    mongoTableStore(mongo, mongoOutbox(mongo, { partitionFor })),
    table,
    records,
  )
  const consumer = await runTable({
    ...{ table, store, owner: randomUUID(), logger: silentLogger },
    connection: rig.kafka,
    codec: makeLateCodec(() => connectCodec({ registryUrl: servers.registry, writes: [table.topic] })),
    incarnationOf: topicIncarnations(mongo).current,
    metrics: tableMetrics(createMetrics('bench')),
  })
  return {
    ...{ seconds, elapsed, stop: () => consumer.stop() },
    collection: `readModel.${versionedName(table)}`,
  }
}
