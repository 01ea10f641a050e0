import type { Retention, TopicSpec } from './topics.ts'

export type ConfigEntry = { readonly name: string; readonly value: string }

const hourMs = 60 * 60 * 1000

/** A tombstone stays for so long at least. */
const tombstonesKeptMs = 24 * hourMs

/**
 * Whoever was away for longer has to look for keys that are gone. An hour less than tombstones are kept, for what they take to
 * be read.
 */
export const tombstonesTrustedMs = tombstonesKeptMs - hourMs

const anyTimestampMs = '9223372036854775807'

/** A topic's Kafka configuration; the replication factor and min.insync.replicas belong to the deployment. */
export const topicConfigEntries = (spec: TopicSpec): readonly ConfigEntry[] => [
  ...retentionEntries(spec.retention),
  ...(spec.kind === 'snapshot' ? smallSegments : []),
  { name: 'max.message.bytes', value: String(spec.maxMessageBytes) },
  { name: 'compression.type', value: spec.compression },
  { name: 'message.timestamp.type', value: spec.timestampType },
  ...(spec.timestampType === 'CreateTime' ? anyTimestampEntries : []),
]

// Each pass writes the keys that have changed, of which there may be all, and the segment that is written to is never
// cleaned: what a new reader has to read would grow to the gibibyte that is Kafka's own default. 50 MiB, as the changelogs of
// Kafka Streams have.
const smallSegments: readonly ConfigEntry[] = [{ name: 'segment.bytes', value: String(50 * 1024 * 1024) }]

// Imports and republished events carry old timestamps, and brokers refuse those by default.
const anyTimestampEntries: readonly ConfigEntry[] = [
  { name: 'message.timestamp.before.max.ms', value: anyTimestampMs },
  { name: 'message.timestamp.after.max.ms', value: anyTimestampMs },
]

const retentionEntries = (retention: Retention): readonly ConfigEntry[] => {
  switch (retention.type) {
    case 'keep':
      return deleteAfter('-1')
    case 'time':
      return deleteAfter(String(retention.ms))
    case 'compact':
      return [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'delete.retention.ms', value: String(tombstonesKeptMs) },
      ]
  }
}

const deleteAfter = (ms: string): readonly ConfigEntry[] => [
  { name: 'cleanup.policy', value: 'delete' },
  { name: 'retention.ms', value: ms },
  { name: 'retention.bytes', value: '-1' },
]
