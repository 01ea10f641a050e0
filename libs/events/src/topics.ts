import type { EventType } from './event-type.ts'
import type { DomainEvent } from './recorded-event.ts'

export type Retention =
  { readonly type: 'keep' } | { readonly type: 'time'; readonly ms: number } | { readonly type: 'compact' }

export type TopicSpec = {
  readonly name: string
  readonly kind: 'events' | 'telemetry' | 'state' | 'snapshot' | 'changes'
  readonly partitions: number
  readonly partitionedBy: 'aggregate'
  readonly retention: Retention
  readonly maxMessageBytes: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  /** `producer` keeps what the producer sent. */
  readonly compression: 'producer' | 'uncompressed' | 'gzip'
  /** Written today. Their former types (upcasters.ts) are read from the same topic. */
  readonly recordTypes: readonly EventType[]
}

const dayMs = 24 * 60 * 60 * 1000
const mebibyte = 1024 * 1024

/** Every topic, and the only place where its name is spelled. The replication factor belongs to the deployment. */
export const topics = {
  'orders.order.events': {
    name: 'orders.order.events',
    kind: 'events',
    partitions: 6,
    partitionedBy: 'aggregate',
    retention: { type: 'keep' },
    maxMessageBytes: mebibyte,
    timestampType: 'CreateTime',
    compression: 'producer',
    recordTypes: [
      'OrderPlaced',
      'OrderPaid',
      'OrderShipped',
      'OrderDelivered',
      'OrderCancelled',
      'OrderReturned',
    ],
  },
  'catalog.product.events': {
    name: 'catalog.product.events',
    kind: 'events',
    partitions: 3,
    partitionedBy: 'aggregate',
    retention: { type: 'keep' },
    maxMessageBytes: mebibyte,
    timestampType: 'CreateTime',
    compression: 'producer',
    recordTypes: ['ProductAdded', 'ProductRepriced', 'ProductRetired'],
  },
  'heartbeat.received': {
    name: 'heartbeat.received',
    kind: 'telemetry',
    partitions: 3,
    partitionedBy: 'aggregate',
    retention: { type: 'time', ms: 7 * dayMs },
    maxMessageBytes: mebibyte,
    timestampType: 'LogAppendTime',
    compression: 'producer',
    recordTypes: ['HeartbeatReceived', 'ClockTicked'],
  },
  'process.state': {
    name: 'process.state',
    kind: 'state',
    partitions: 3,
    partitionedBy: 'aggregate',
    retention: { type: 'compact' },
    maxMessageBytes: mebibyte,
    timestampType: 'CreateTime',
    compression: 'producer',
    recordTypes: ['ProcessState'],
  },
  'process.state.snapshot': {
    name: 'process.state.snapshot',
    kind: 'snapshot',
    // As the topic that it is of: a key has the same partition in both.
    partitions: 3,
    partitionedBy: 'aggregate',
    retention: { type: 'compact' },
    maxMessageBytes: mebibyte,
    timestampType: 'CreateTime',
    compression: 'producer',
    recordTypes: ['ProcessStateSnapshot', 'SnapshotTaken'],
  },
  'processes.changed': {
    name: 'processes.changed',
    kind: 'changes',
    partitions: 3,
    partitionedBy: 'aggregate',
    retention: { type: 'time', ms: 7 * dayMs },
    maxMessageBytes: mebibyte,
    timestampType: 'LogAppendTime',
    compression: 'producer',
    recordTypes: ['DocumentChanged'],
  },
} as const satisfies { readonly [Name in string]: TopicSpec & { readonly name: Name } }

export type TopicName = keyof typeof topics

/** The events that a topic carries. */
export type TopicEvent<Name extends TopicName> = DomainEvent<(typeof topics)[Name]['recordTypes'][number]>

export const topicNames: readonly TopicName[] = Object.values(topics).map((spec) => spec.name)

export const isTopicName = (text: string): text is TopicName => Object.hasOwn(topics, text)

/** A topic for the changes of another collection: as `processes.changed`, but for its name. */
export const changesTopic = (name: string): TopicSpec => ({ ...topics['processes.changed'], name })

/** Registry subject of a record on a topic. */
export const subjectOf = (topic: string, type: string): string => `${topic}-${type}`
