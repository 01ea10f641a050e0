import { mongoBuildReader, type BuildReader, type BuildToRead } from './build-reader.ts'
import { mongoBuilds, type BuildRegistry } from './build-registry.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { ensureReadModelIndexes, type ReadModelIndex } from './indexes.ts'
import { mongoProjectionStore, type ProjectionStore } from './projection-store.ts'
import { mongoReadModels, type ReadModels } from './read-models.ts'

/**
 * Where read models live: the port behind which another database would have to do all of this, and nothing else. Its
 * contract is a suite, test/read-model-store-contract.ts.
 */
export type ReadModelStore = {
  /** Load, and store or delete together with a checkpoint, in one transaction. */
  readonly projections: ProjectionStore
  /** Query, of one tenant, by declared fields. */
  readonly reads: ReadModels
  /** Create a build beside the served one, swap, drop. */
  readonly builds: BuildRegistry
  /** Query all, of all tenants: for checks. */
  reader(build: BuildToRead): BuildReader
  /** Prepares a build for its queries; doing it again changes nothing. */
  prepare(build: string, indexes: readonly ReadModelIndex[]): Promise<void>
}

export const mongoReadModelStore = (connection: MongoConnection): ReadModelStore => ({
  projections: mongoProjectionStore(connection),
  reads: mongoReadModels(connection),
  builds: mongoBuilds(connection),
  reader: (build) => mongoBuildReader(connection, build),
  prepare: (build, indexes) => ensureReadModelIndexes(connection, { projection: build, indexes }),
})
