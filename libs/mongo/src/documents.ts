import type { Binary, Document, Timestamp } from 'mongodb'

/** Who asked what under which key; the unique index over it is what makes a command take effect once. */
export type IdempotencyKey = {
  readonly principal: string
  readonly route: string
  readonly key: string
}

/** One event inside a commit; its version is the commit's first version plus its place. */
export type EventDocument = {
  readonly id: string
  readonly type: string
  /** UTC milliseconds. */
  readonly occurredAt: number
  /** Confluent wire format, exactly the bytes that go to Kafka. */
  readonly bytes: Binary
  /** CloudEvents extension attributes that came with an append. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** All events of one decision. */
export type CommitDocument = {
  readonly _id: string
  readonly tenant: string
  readonly stream: string
  readonly key: string
  readonly first: number
  readonly last: number
  readonly topic: string
  readonly partition: number
  /** Microseconds; above its predecessor's in the same stream, whatever the clocks say (ADR 0004). */
  readonly order: number
  readonly committedAt: Date
  readonly events: readonly EventDocument[]
  readonly correlationId: string
  readonly causationId: string
  readonly actor: string
  readonly traceparent?: string
  readonly idempotency: IdempotencyKey & { readonly fingerprint: string }
  /** There until the commit is in Kafka; the relay's index holds only such commits. */
  readonly pending?: true
  /** Number of the publication record that carried it. */
  readonly publication?: number
}

/** A rejection or a no-op: no events, but an answer that must be given again. */
export type AnswerDocument = {
  readonly _id: string
  readonly tenant: string
  readonly idempotency: CommitDocument['idempotency']
  readonly answer: {
    readonly status: 200 | 422
    readonly body: Record<string, unknown>
  }
  readonly expiresAt: Date
}

export type ShardId = { readonly topic: string; readonly partition: number }

/** The relay's intent to publish `commitIds` under consecutive sequences; see publish.ts of command-api. */
export type PublicationDocument = {
  readonly _id: ShardId & { readonly n: number }
  readonly firstSequence: number
  readonly commitIds: readonly string[]
  /** Events in each of the commits, in the same order. */
  readonly eventCounts: readonly number[]
  readonly state: 'open' | 'done'
  /** Of the topic, when it was last produced. */
  readonly incarnation: number
  readonly baseOffset?: number
}

export type LeaseDocument = {
  readonly _id: string
  readonly owner: string
  readonly epoch: number
  readonly expiresAt: Date
}

/** A topic as the store knows it. */
export type TopicDocument = {
  readonly _id: string
  /** Raised each time the topic had to be created again. */
  readonly incarnation: number
  readonly partitions: number
  /** Incarnation in which Kafka was seen to have lost records: nothing is published before the next one. */
  readonly emptiedIn?: number
}

export type CheckpointId = ShardId & { readonly projection: string }

export type CheckpointDocument = {
  readonly _id: CheckpointId
  readonly incarnation: number
  /** Offset of the next record to apply. */
  readonly nextOffset: number
  /** Of the last applied event; 0 before the first. */
  readonly lastSequence: number
  readonly lastId: string | null
  readonly lastTs: number | null
  /** Largest event time so far, UTC ms, of no event taken for later than an hour after its commit. */
  readonly watermark: number | null
  readonly epoch: number
  readonly owner: string
  /** Set when the lane gave up; whoever claims next tries anew. */
  readonly stopped?: { readonly reason: string; readonly at: Date }
}

/** The state of an aggregate at the end of one of its commits; libs/aggregates decides whether it is believed. */
export type SnapshotDocument = {
  readonly _id: string
  readonly tenant: string
  readonly stream: string
  /** Of the last event in it, which is the last one of a commit. */
  readonly version: number
  /** Of that commit, in microseconds. */
  readonly order: number
  readonly lastCommitId: string
  /** Version of that commit's first event: reading on begins there, and so proves the commit as well. */
  readonly lastCommitFirst: number
  readonly lastEventId: string
  /** Of the context's `State` and `evolve`. */
  readonly stateVersion: number
  readonly state: unknown
  /** SHA-256 of the state as canonical JSON, in hex. */
  readonly checksum: string
  /** UTC milliseconds. */
  readonly takenAt: number
  /** Where the snapshots that this one was made from last equalled a fold from the first event. */
  readonly provenVersion: number
}

/** Members that the engine owns in a read-model document; a projection's own fields never start with `_`. */
export type ReadModelDocument = {
  readonly _id: string
  readonly _tenant: string
  /** Of the last event; absent in inline read models, which change before their events have a sequence. */
  readonly _partition?: number
  readonly _sequence?: number
  readonly [field: string]: unknown
}

/** A version of an inline read model that has every commit in it. */
export type InlineReadModelDocument = { readonly _id: string; readonly builtAt: Date }

/** A process that is at work on the store; see presences.ts. */
export type PresenceDocument = {
  readonly _id: string
  readonly role: 'writer' | 'builder'
  /** For messages: which process it is. */
  readonly name: string
  readonly expiresAt: Date
}

export const withoutEngineMembers = (document: ReadModelDocument): Record<string, unknown> =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_')))

/** A message that waits to be published; purged once it is. */
export type OutboxDocument = ShardId & {
  /** Id of the message, on Kafka too. */
  readonly _id: string
  readonly key: string
  /** Microseconds; its place among the rows of its key (ADR 0008). */
  readonly number: number
  /** Null is a tombstone. */
  readonly payload: Binary | null
  readonly headers: Readonly<Record<string, string>>
  readonly addedAt: Date
}

/** The last number that a key of a topic was given. */
export type OutboxKeyDocument = {
  readonly _id: { readonly topic: string; readonly key: string }
  readonly number: number
  readonly expiresAt: Date
}

/** How far a changefeed has come: all but the epoch are absent before it has compared its collection for the first time. */
export type ChangefeedDocument = {
  /** Its source. */
  readonly _id: string
  readonly epoch: number
  readonly collection?: string
  readonly topic?: string
  /** Of the topic. */
  readonly incarnation?: number
  /** Of the last change; a transaction's changes share one and have ordinals in it. */
  readonly clusterTime?: Timestamp
  readonly ordinal?: number
  /** Where the stream goes on; null right after a reconciliation. */
  readonly resumeToken?: Document | null
  /** When it last compared its collection with the shadows, and why. */
  readonly reconciledAt?: Date
  readonly reason?: string
  /** When it was last asked for the time: a write, whose time is that. */
  readonly lookedAt?: Date
}

/** What a changefeed has last published of a key; see feed-shadows.ts. */
export type ShadowDocument = {
  readonly _id: { readonly feed: string; readonly key: string }
  /** Of the change. */
  readonly id: string
  /** Of the document as text; null while nobody knows what the topic has. */
  readonly hash: string | null
}
