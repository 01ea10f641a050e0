import type { Collection, Document } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import type {
  AnswerDocument,
  ChangefeedDocument,
  CheckpointDocument,
  CommitDocument,
  InlineReadModelDocument,
  LeaseDocument,
  OutboxDocument,
  OutboxKeyDocument,
  PresenceDocument,
  PublicationDocument,
  ReadModelDocument,
  ShadowDocument,
  SnapshotDocument,
  TopicDocument,
} from './documents.ts'
import type { BuildReportDocument, BuildsDocument } from './build-documents.ts'
import type { LateEventDocument, ParkedEventDocument } from './lane-documents.ts'
import { sealed, tenantCollection, type Sealed, type TenantCollection } from './tenant-collection.ts'

/** Reached with a tenant only (tenant-data.ts), or by the engine itself (across-tenants.ts). */
export type TenantCollections = {
  readonly commits: TenantCollection<CommitDocument>
  readonly answers: TenantCollection<AnswerDocument>
  readonly snapshots: TenantCollection<SnapshotDocument>
  readModel(projection: string): TenantCollection<ReadModelDocument>
  /** By the whole name of a collection, which may be any: nobody knows whose its documents are. */
  named(name: string): Sealed<Document>
}

/** The engine's own books, in which there are no tenants; across-tenants.ts says why. */
export type EngineCollections = {
  readonly publications: Collection<PublicationDocument>
  readonly leases: Collection<LeaseDocument>
  readonly topics: Collection<TopicDocument>
  readonly checkpoints: Collection<CheckpointDocument>
  readonly builds: Collection<BuildsDocument>
  readonly buildReports: Collection<BuildReportDocument>
  readonly parkedEvents: Collection<ParkedEventDocument>
  readonly lateEvents: Collection<LateEventDocument>
  readonly outbox: Collection<OutboxDocument>
  readonly outboxKeys: Collection<OutboxKeyDocument>
  readonly inlineReadModels: Collection<InlineReadModelDocument>
  readonly presences: Collection<PresenceDocument>
  readonly changefeeds: Collection<ChangefeedDocument>
  readonly changefeedShadows: Collection<ShadowDocument>
}

export type Collections = TenantCollections & EngineCollections

/** Where the documents of a build are. */
export const readModelCollection = (build: string): string => `readModel.${build}`

/** Commits and answers share one collection, so that one unique index decides between two replicas. */
export const collectionsOf = ({ db }: MongoConnection): Collections => ({
  commits: tenantCollection(db.collection<CommitDocument>('commits'), 'tenant'),
  answers: tenantCollection(db.collection<AnswerDocument>('commits'), 'tenant'),
  snapshots: tenantCollection(db.collection<SnapshotDocument>('snapshots'), 'tenant'),
  readModel: (projection) =>
    tenantCollection(db.collection<ReadModelDocument>(readModelCollection(projection)), '_tenant'),
  named: (name) => sealed(db.collection(name)),
  publications: db.collection('publications'),
  leases: db.collection('leases'),
  topics: db.collection('topics'),
  checkpoints: db.collection('checkpoints'),
  builds: db.collection('builds'),
  buildReports: db.collection('buildReports'),
  parkedEvents: db.collection('parkedEvents'),
  lateEvents: db.collection('lateEvents'),
  outbox: db.collection('outbox'),
  outboxKeys: db.collection('outboxKeys'),
  inlineReadModels: db.collection('inlineReadModels'),
  presences: db.collection('presences'),
  changefeeds: db.collection('changefeeds'),
  changefeedShadows: db.collection('changefeedShadows'),
})
