export type { PointerLease } from './build-pointer.ts'
export {
  mongoBuildReader,
  type BuildReader,
  type BuildSight,
  type BuildToRead,
  type StoredPartial,
} from './build-reader.ts'
export { mongoBuilds, type BuildRegistry } from './build-registry.ts'
export { mongoBuildReports, type BuildReport, type BuildReports } from './build-reports.ts'
export { buildName, type Build, type Builds } from './builds.ts'
export { HistoryLostError, type Change, type LossReason } from './change-events.ts'
export { openChangeStream, type ChangeBatch, type ChangeStream, type FeedPosition } from './change-stream.ts'
export { readModelCollection } from './collections.ts'
export { connectStores, storeAddresses, type StoreAddresses, type Stores } from './connect-stores.ts'
export { connectMongo, type MongoConnection } from './connect-mongo.ts'
export type { AnswerDocument, CheckpointId, CommitDocument, IdempotencyKey, ShardId } from './documents.ts'
export type { DifferenceSample } from './build-documents.ts'
export type { Checkpoint, CommitBatch, CommitOutcome, DocumentWrite, Progress } from './lane-commits.ts'
export type { LateEvent, ParkedReason } from './lane-documents.ts'
export {
  mongoEventStore,
  type EventStore,
  type KeepOutcome,
  type NewAnswer,
  type NewCommit,
  type Sight,
} from './event-store.ts'
export type { AppendOutcome } from './append-commits.ts'
export { scopeNameOf, type AnswerScope, type FormerAnswer } from './former-answers.ts'
export {
  ensureLaneIndexes,
  ensureReadModelIndexes,
  ensureStoreIndexes,
  type ReadModelIndex,
} from './indexes.ts'
export type { FedCollection } from './document-text.ts'
export {
  mongoFeedProgresses,
  type FeedProgress,
  type FeedProgresses,
  type FeedRoute,
} from './feed-progress.ts'
export { openFeedScan, prepareFedCollection, type FeedScan, type ScannedDocument } from './feed-scan.ts'
export {
  mongoFeedShadows,
  type FeedShadows,
  type PublishedChange,
  type SentChange,
  type Shadow,
} from './feed-shadows.ts'
export { documentId, partialId, type DocumentKey } from './document-id.ts'
export type { Fields, InlineChange, InlineVerdict } from './inline-documents.ts'
export {
  inlineReadModels,
  type InlineBuild,
  type InlineReadModels,
  type StoredCommit,
} from './inline-read-models.ts'
export { mongoLaneLookup, type Fate, type LaneEvent, type LaneLookup } from './lane-lookup.ts'
export { mongoLaneStates, type LaneState, type LaneStates } from './lane-states.ts'
export { takeLease, type LeaseKeeper, type LeaseWish } from './lease-keeper.ts'
export { mongoLeases, type Lease, type Leases } from './leases.ts'
export type { LoadedStream, StoredEvent, StreamId, StreamTail, UpTo } from './load-streams.ts'
export {
  mongoLogReader,
  type LogEvent,
  type LogLimits,
  type LogPage,
  type LogPosition,
  type LogQuery,
  type LogReader,
} from './log-reader.ts'
export {
  maxOutboxBytes,
  mongoOutbox,
  outboxTopics,
  type Outbox,
  type OutboxMessage,
  type OutboxOptions,
  type OutboxTopic,
} from './outbox.ts'
export {
  mongoOutboxRows,
  type OutboxLimits,
  type OutboxRow,
  type OutboxRows,
  type WaitingShard,
} from './outbox-rows.ts'
export { mongoPartitionKeys, type PartitionKeys } from './partition-keys.ts'
export { mongoPartitionLog, type LoggedEvent, type PartitionLog } from './partition-log.ts'
export { mongoPositions, type Positions, type Whereabouts } from './positions.ts'
export { mongoPresences, type Presence, type Presences, type Role } from './presences.ts'
export { mongoProjectionStore, type ProjectionStore } from './projection-store.ts'
export {
  mongoPublications,
  type PlannedCommit,
  type PlanLimits,
  type Publication,
  type Publications,
} from './publications.ts'
export {
  mongoReadModels,
  type Condition,
  type FoundDocument,
  type ListQuery,
  type PageEnd,
  type ReadModels,
} from './read-models.ts'
export type { KeyPage, KeyQuery, Partials } from './grouped-reads.ts'
export { mongoReadModelStore, type ReadModelStore } from './read-model-store.ts'
export type { PageLimits, ReadEvent } from './read-event.ts'
export {
  mongoSnapshotStore,
  type Snapshot,
  type SnapshotHeader,
  type SnapshotMark,
  type SnapshotStore,
  type StoredSnapshot,
} from './snapshots.ts'
export {
  mongoStreamReader,
  type StreamFacts,
  type StreamPage,
  type StreamQuery,
  type StreamReader,
} from './stream-reader.ts'
export {
  mongoStreamSequences,
  type LogPlace,
  type StreamSequences,
  type VersionRange,
} from './stream-sequences.ts'
export { mongoStreamStarts, type StreamStarts } from './stream-starts.ts'
export { publishedBytes } from './published-bytes.ts'
export { topicIncarnations, type TopicIncarnations } from './topics.ts'
export { DocumentRefusedError } from './mongo-error.ts'
export { parkingKeyOf, type ParkedEvent } from './parked-events.ts'
export { initiateReplicaSet, pingMongo } from './replica-set.ts'
export { withTransaction, type Transaction } from './transaction.ts'
export {
  type StateBatch,
  type StateWrite,
  type StoredState,
  type TableStore,
  mongoTableStore,
} from './table-store.ts'
