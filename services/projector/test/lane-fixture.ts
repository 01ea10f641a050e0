import { randomUUID } from 'node:crypto'
import { versionedName, type AnyProjection } from '@millrace/domain'
import type { Codec } from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSession } from '@millrace/kafka'
import {
  connectMongo,
  ensureStoreIndexes,
  mongoPartitionKeys,
  mongoProjectionStore,
  type MongoConnection,
  type ProjectionStore,
} from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { projectionLanes, type AppliedBatch, type LaneDeps } from '../src/projection-lane.ts'

export const TOPIC = 'orders.order.events'

type Parked = {
  readonly parkingKey: string | null
  readonly sequence: number | null
  readonly offset: number
  readonly reason: { readonly type: string; readonly error?: string; readonly message?: string }
  readonly value: { readonly buffer: Uint8Array } | null
}

export type LaneRig = {
  readonly mongo: MongoConnection
  readonly store: ProjectionStore
  open(projection: AnyProjection, given?: Opening): Promise<OpenLane>
  documents(projection: AnyProjection): Promise<Record<string, unknown>>
  parked(projection: AnyProjection): Promise<Parked[]>
  late(projection: AnyProjection): Promise<Record<string, unknown>[]>
  drop(): Promise<void>
}

type Opening = Partial<Pick<LaneDeps, 'store' | 'endOffsetOf' | 'knownKeysOf' | 'incarnationOf'>> & {
  readonly topic?: string
  readonly partition?: number
}

export type OpenLane = LaneSession & {
  readonly applied: AppliedBatch[]
  /** Hands all records over, as often as it takes; the outcome that ended it. */
  drain(records: readonly KafkaRecord[]): Promise<LaneOutcome>
}

/** Lanes on a database of their own. */
export const openLaneRig = async (codec: Codec): Promise<LaneRig> => {
  const database = `test-lanes-${randomUUID().slice(0, 8)}`
  const mongo = await connectMongo({ url: process.env['MONGO_URL'] ?? '', database, clientName: 'lane-test' })
  await ensureStoreIndexes(mongo)
  const mongoStore = mongoProjectionStore(mongo)
  const ofBuild = (collection: string, projection: AnyProjection) =>
    mongo.db
      .collection(collection)
      .find({ projection: versionedName(projection) })
      .sort({ offset: 1, _id: 1 })

  return {
    mongo,
    store: mongoStore,
    open: async (projection, { topic = TOPIC, partition = 0, ...given } = {}) => {
      const applied: AppliedBatch[] = []
      const lanes = projectionLanes({
        projection,
        build: versionedName(projection),
        store: mongoStore,
        storedKeys: mongoPartitionKeys(mongo),
        codec,
        incarnationOf: async () => 1,
        endOffsetOf: async () => 0n,
        knownKeysOf: async () => null,
        owner: randomUUID(),
        logger: silentLogger,
        onApplied: (batch) => applied.push(batch),
        ...given,
      })
      const session = await lanes.open({ topic, partition })
      return {
        get nextOffset() {
          return session.nextOffset
        },
        apply: session.apply,
        close: session.close,
        applied,
        drain: (records) => drain(session, records),
      }
    },
    documents: async (projection) => {
      const found = await mongo.db
        .collection(`readModel.${versionedName(projection)}`)
        .find()
        .toArray()
      return Object.fromEntries(
        found.map(({ _id, _tenant, _partition, _sequence, ...fields }) => [String(_id), fields]),
      )
    },
    parked: async (projection) =>
      (await ofBuild('parkedEvents', projection).toArray()) as unknown as Parked[],
    late: (projection) => ofBuild('lateEvents', projection).toArray(),
    drop: async () => {
      await mongo.db.dropDatabase()
      await mongo.close()
    },
  }
}

const drain = async (session: LaneSession, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  let rest = records
  for (;;) {
    const outcome = await session.apply(rest)
    if (outcome.type !== 'applied') return outcome
    rest = rest.filter(({ offset }) => offset >= outcome.nextOffset)
    if (rest.length === 0) return outcome
  }
}
