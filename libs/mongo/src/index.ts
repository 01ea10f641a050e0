export { connectMongo, type MongoConnection } from './connect-mongo.ts'
export type { AnswerDocument, CheckpointId, CommitDocument, IdempotencyKey, ShardId } from './documents.ts'
export {
  mongoEventStore,
  type AppendOutcome,
  type EventStore,
  type KeepOutcome,
  type NewAnswer,
  type NewCommit,
} from './event-store.ts'
export type { AnswerScope, FormerAnswer } from './former-answers.ts'
export { ensureReadModelIndexes, ensureStoreIndexes, type ReadModelIndex } from './indexes.ts'
export { mongoLeases, type Lease, type Leases } from './leases.ts'
export type { LoadedStream, StoredEvent, StreamId } from './load-streams.ts'
export { mongoPositions, type Positions, type Whereabouts } from './positions.ts'
export {
  mongoProjectionStore,
  type Checkpoint,
  type CommitBatch,
  type DocumentWrite,
  type Progress,
  type ProjectionStore,
} from './projection-store.ts'
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
export { topicIncarnations, type TopicIncarnations } from './topics.ts'
export { initiateReplicaSet, pingMongo } from './replica-set.ts'
