export {
  countGroupMembers,
  deleteGroup,
  fetchCommittedOffsets,
  fetchEndOffsets,
  fetchEndOffsetsOf,
  fetchStartOffsets,
  listExistingTopics,
  pingKafka,
  type ClusterPing,
  type PartitionOffsets,
} from './admin.ts'
export { connectKafka, type KafkaConnection, type KafkaOptions, type KafkaSasl } from './connect-kafka.ts'
export {
  ensureTopics,
  type ConfigDrift,
  type EnsuredTopics,
  type TopicConfigEntry,
  type TopicCreation,
} from './ensure-topics.ts'
export { defaultLaneLimits, type LaneLimits } from './lane-limits.ts'
export type { KafkaRecord, LaneOutcome, LaneSession, LaneSource, TopicPartition } from './lane-source.ts'
export { partitionFor } from './partition-for.ts'
export {
  makeFencedProducer,
  type FencedOutcome,
  type FencedProducer,
  type FencedProducerOptions,
} from './fenced-producer.ts'
export { messageBytes } from './message-bytes.ts'
export { makePartitionProducer, type PartitionProducer, type QueueBounds } from './partition-producer.ts'
export {
  isSnapshotMarker,
  loadLastValues,
  type CompactedPartition,
  type LastValue,
  type LastValues,
  type LastValuesDeps,
} from './load-last-values.ts'
export { newestOfKeys } from './newest-of-keys.ts'
export { detachRecord, recordBytes } from './read-chunk.ts'
export { knownKeysOf } from './known-keys.ts'
export { lookAhead, type Waiting } from './look-ahead.ts'
export { readPartition, type PartitionRange } from './read-partition.ts'
export type { OutgoingMessage, PartitionProducerOptions } from './partition-send.ts'
export type { ConsumerEvent, LaneEvent } from './consumer-event.ts'
export type { ConsumerState } from './consumer-state.ts'
export { defaultConsumerTimings, type ConsumerTimings } from './consumer-timings.ts'
export type { LaneState } from './lane-state.ts'
export type { LaneStatus } from './lane.ts'
export { startConsumer, type ConsumerOptions, type PartitionConsumer } from './partition-consumer.ts'
