// The engine's own work on the documents of all tenants: all of it, and why. Nothing here is asked for by a request, so
// nothing of a request is in these queries. Only the files that do this work may import it (a lint rule).
//
// The other collections (`EngineCollections`) have no tenant at all: a publication record numbers commits of all tenants
// in one sequence, leases, checkpoints, topics, presences and the list of inline read models belong to processes, an
// outbox row is a message that waits for its partition, and parked and late events are a lane's: of a record that nobody
// can read, nobody knows the tenant.

import type { Collection, Document } from 'mongodb'
import type { Collections } from './collections.ts'
import type { AnswerDocument, CommitDocument, ReadModelDocument, SnapshotDocument } from './documents.ts'
import { driversCollection } from './tenant-collection.ts'

/** The relay: what is pending goes to its partition in one order, whoever's it is; a record names its commits by id. */
export const commitsToPublish = ({ commits }: Collections): Collection<CommitDocument> =>
  driversCollection(commits)

/** A new inline read model, and a check of a read model: commits are folded into documents of their own tenant. */
export const commitsToFold = ({ commits }: Collections): Collection<CommitDocument> =>
  driversCollection(commits)

/** Before it is built anew, an inline read model is dropped; and a build that is no longer wanted. */
export const readModelToDrop = (
  { readModel }: Collections,
  projection: string,
): Collection<ReadModelDocument> => driversCollection(readModel(projection))

/** A read model is what the log says: whoever's they are, all of its documents have to be. */
export const readModelToCheck = ({ readModel }: Collections, build: string): Collection<ReadModelDocument> =>
  driversCollection(readModel(build))

/** Time passes for the states of all tenants alike. */
export const tableToAge = ({ readModel }: Collections, table: string): Collection<ReadModelDocument> =>
  driversCollection(readModel(table))

/** A changefeed: what an operator names goes to its topic, whoever's it is; of read models each key with its tenant. */
export const collectionToFeed = ({ named }: Collections, name: string): Collection<Document> =>
  driversCollection(named(name))

type ToIndex = {
  readonly commits: Collection<CommitDocument>
  readonly answers: Collection<AnswerDocument>
  readonly snapshots: Collection<SnapshotDocument>
  readModel(projection: string): Collection<ReadModelDocument>
}

/** An index is of a whole collection. Each begins with the tenant, but for the relay's and the one that expires. */
export const collectionsToIndex = ({ commits, answers, snapshots, readModel }: Collections): ToIndex => ({
  commits: driversCollection(commits),
  answers: driversCollection(answers),
  snapshots: driversCollection(snapshots),
  readModel: (projection) => driversCollection(readModel(projection)),
})
