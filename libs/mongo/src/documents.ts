import type { Binary } from 'mongodb'

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
  /** Id of the session that the owner's transactions run in; whoever claims next ends what it left open. */
  readonly session?: Binary
}

/** What one version of the code has made of the log from its beginning. */
export type StoredBuild = {
  /** `v1`, and `v1.1` when that version was built again. */
  readonly name: string
  /** Of the code that folds it. */
  readonly version: string
  readonly startedAt: Date
  /** Of a reset: it is served as soon as it is found to be what the log says. */
  readonly isToBeServed?: true
}

/** Taken out of the list; its data goes when nobody feeds it any more. */
export type RetiredBuild = { readonly name: string; readonly at: Date }

/** Which builds of a projection there are, and which one is read; see builds.ts. */
export type BuildsDocument = {
  readonly _id: string
  readonly served: string
  readonly previous: string | null
  readonly switchingTo: string | null
  /** Nothing is fed meanwhile. */
  readonly isPaused: boolean
  /** No reader believes its pointer for longer. */
  readonly leasedUntil: Date
  readonly builds: readonly StoredBuild[]
  /** How often each version was built: a name is never used again. */
  readonly counts: Readonly<Record<string, number>>
  /** Absent in documents that none was taken out of yet. */
  readonly retired?: readonly RetiredBuild[]
}

/** One look at a build; the newest of each kind is kept. */
export type BuildReportDocument = {
  /** `<build>/<kind>` */
  readonly _id: string
  /** Name of its data. */
  readonly build: string
  /** comparison: with the build that is served, and with the log. verification, and the routine check: with the log. */
  readonly kind: 'comparison' | 'verification' | 'check'
  /** Of this one look: whoever has another one may not write here any more. */
  readonly run: string
  /** Name of the data that a comparison was with. */
  readonly against: string
  readonly state: 'running' | 'equal' | 'expected' | 'different' | 'failed'
  readonly startedAt: Date
  /** Renewed while it runs: one that is old belongs to a process that is gone. */
  readonly beatAt: Date
  readonly endedAt: Date | null
  /** Documents so far, of how many. */
  readonly compared: number
  readonly total: number
  /** Events of the log that were folded for it. */
  readonly events: number
  /** Documents that differ; more than that when it was cut short. */
  readonly different: number
  readonly unexpected: number
  /** Never came to rest at the same position. */
  readonly unsettled: number
  readonly isCutShort: boolean
  /** How many documents differ in a field. */
  readonly byField: readonly {
    readonly field: string
    readonly documents: number
    readonly isExpected: boolean
  }[]
  /** Some of the differences, unexpected ones first. */
  readonly samples: readonly DifferenceSample[]
  /** Part of the keys that were compared with the log: `1/16`, or `all`; null where the store does not keep it. */
  readonly logShare: string | null
  readonly error: string | null
}

export type DifferenceSample = {
  readonly key: string
  readonly field: string
  readonly against: 'build' | 'log'
  /** As readers would get it, and as it is there; null where there is none. */
  readonly value: unknown
  readonly other: unknown
  readonly isExpected: boolean
  /** The event that last changed the field, by a fold of the log. */
  readonly event: { readonly id: string; readonly type: string; readonly sequence: number } | null
}

/** Why a record is parked: what is wrong with itself, or that its key has something parked already. */
export type ParkedReason =
  | {
      readonly type: 'poison'
      readonly error: string
      readonly message: string
      readonly stack: string | null
    }
  | { readonly type: 'waits' }

/** A record that a lane could not apply, as it was; see parked-events.ts. */
export type ParkedEventDocument = CheckpointId & {
  readonly _id: string
  /** The message key as text; null parks nothing but this record. */
  readonly parkingKey: string | null
  readonly sequence: number | null
  readonly incarnation: number
  readonly offset: number
  readonly timestamp: number
  readonly key: Binary | null
  readonly value: Binary | null
  readonly headers: readonly { readonly name: string; readonly value: Binary }[]
  readonly watermark: number | null
  readonly reason: ParkedReason
  readonly parkedAt: Date
}

/** An event that came after the grace of its window had ended, by the watermark before it. */
export type LateEventDocument = CheckpointId & {
  readonly _id: string
  readonly tenant: string
  readonly key: string
  readonly eventId: string
  readonly type: string
  readonly sequence: number
  readonly occurredAt: number
  readonly watermark: number
  readonly closedAt: number
  readonly keptAt: Date
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
