/*
 * A build is checked by a fold of the log in memory, so the two have to make the same of any log there can be: in
 * whatever batches the lane gets it, and in whatever stretches the fold reads it.
 */
import { describe, expect, it } from '@jest/globals'
import {
  customerDashboard,
  orderHistory,
  orderSummary,
  productMetrics,
  type AnyProjection,
  type Document,
} from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import type { BuildSight } from '@millrace/mongo'
import {
  documentOf,
  foldLog,
  type LogFold,
  type LogFoldDeps,
  type SourcePartial,
} from '@millrace/projections'
import { silentLogger } from '@millrace/runtime'
import { ordersByHour } from '@millrace/testkit'
import fc from 'fast-check'
import { projectionLanes } from '../src/projection-lane.ts'
import { anyHistory } from './any-history.ts'
import type { PartitionLog } from './log-of.ts'
import { memoryStore, type MemoryStore } from './memory-store.ts'
import { storedLogOf } from './stored-log.ts'

const codec = await makeInMemoryCodec()

type Documents = Readonly<Record<string, Document | null>>

/** What the projector makes of it, with batches of these sizes. */
const applyAll = async (
  projection: AnyProjection,
  logs: readonly Pick<PartitionLog, 'place' | 'records'>[],
  sizes: readonly number[],
) => {
  const store = memoryStore()
  const lanes = projectionLanes({
    ...{ projection, build: projection.name, store, codec, owner: 'test', logger: silentLogger },
    incarnationOf: async () => 1,
    endOffsetOf: async () => 0n,
    knownKeysOf: async () => new Set(),
    storedKeys: async () => [],
    onApplied: () => undefined,
  })
  let batches = 0
  for (const { place, records } of logs) {
    const lane = await lanes.open(place)
    for (let from = 0; from < records.length;) {
      const size = sizes[batches++ % sizes.length] ?? 1
      expect(await lane.apply(records.slice(from, from + size))).toMatchObject({ type: 'applied' })
      from += size
    }
  }
  return store
}

const laneDocuments = (projection: AnyProjection, { documents }: MemoryStore): Documents => {
  const byKey = Map.groupBy(documents, ([id]) => id.split('/', 2).join('/'))
  const partials = (found: typeof byKey extends Map<string, infer Of> ? Of : never): SourcePartial[] =>
    found.map(([, fields]) => ({ place: '', sequence: 0, fields }))
  return Object.fromEntries([...byKey].map(([key, found]) => [key, documentOf(projection, partials(found))]))
}

const foldedDocuments = async (projection: AnyProjection, fold: LogFold): Promise<Documents> => {
  const documents: [string, Document | null][] = []
  for await (const keys of fold.keys())
    for (const [key, partials] of (await fold.read(keys)).documents)
      documents.push([key, documentOf(projection, partials)])
  return JSON.parse(JSON.stringify(Object.fromEntries(documents))) as Documents
}

/** As a reader of the build would see it. */
const standingOf = async (
  projection: AnyProjection,
  logs: readonly PartitionLog[],
  store: MemoryStore,
): Promise<BuildSight> => {
  const partials = [...store.documents].map(([id, fields]) => ({ id, place: '', sequence: 0, fields }))
  const checkpoints = await Promise.all(
    logs.map(async ({ place }) => ({
      place: placeOf(place),
      ...(await store.read({ ...place, projection: projection.name })),
    })),
  )
  return {
    documents: Map.groupBy(partials, ({ id }) => id.split('/', 2).join('/')),
    reached: new Map(checkpoints.map(({ place, lastSequence = 0 }) => [place, lastSequence])),
    watermarks: new Map(checkpoints.map(({ place, watermark = null }) => [place, watermark])),
  }
}

const placeOf = ({ topic, partition }: PartitionLog['place']): string => `${topic}/${partition}`

const sourcesOf = ({ sources }: AnyProjection, logs: readonly PartitionLog[]): PartitionLog[] =>
  logs.filter(({ place }) => sources.includes(place.topic))

const anySizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })

const projections: readonly AnyProjection[] = [
  ...[orderSummary, orderHistory, customerDashboard, productMetrics, ordersByHour],
].map((projection) => projection as AnyProjection)

const open = (
  projection: AnyProjection,
  given: { logs: readonly PartitionLog[]; stretch: number } & Partial<LogFoldDeps>,
): LogFold => {
  const { logs, stretch, ...deps } = given
  return foldLog({
    ...{ codec, projection, log: storedLogOf(logs, stretch), shards: logs.map(({ place }) => place) },
    wants: () => true,
    parked: async () => new Map(),
    ...deps,
  })
}

describe.each(projections)('$name', (projection) => {
  const anyCase = fc.tuple(anyHistory(codec), anySizes, fc.integer({ min: 1, max: 9 }))
  const check = (
    test: (logs: readonly PartitionLog[], store: MemoryStore, stretch: number) => Promise<void>,
  ) =>
    fc.assert(
      fc.asyncProperty(anyCase, async ([all, sizes, stretch]) => {
        const logs = sourcesOf(projection, all)
        await test(logs, await applyAll(projection, logs, sizes), stretch)
      }),
      { numRuns: 100 },
    )

  it('is the same by lanes and by a fold that finds out for itself what cannot be applied', () =>
    check(async (logs, store, stretch) => {
      const fold = open(projection, { logs, stretch })
      await fold.advance()
      expect(await foldedDocuments(projection, fold)).toEqual(laneDocuments(projection, store))
    }))

  it('is the same by a fold that is told what was parked, and whose log grows', () =>
    check(async (logs, store, stretch) => {
      const fold = open(projection, { logs, stretch, parked: async (shard) => store.parked(shard) })
      for (let end = 0; end < 30; end += stretch)
        await fold.advance(new Map(logs.map(({ place }) => [placeOf(place), end])))
      expect(await foldedDocuments(projection, fold)).toEqual(laneDocuments(projection, store))
    }))

  it('is the same by a fold that goes on from where the lanes had come to', () =>
    check(async (logs, store, stretch) => {
      const before = await applyAll(
        projection,
        logs.map(({ place, records }, index) => ({
          place,
          records: records.slice(0, stretch * (index + 2)),
        })),
        [stretch],
      )
      const fold = open(projection, {
        ...{ logs, stretch, start: await standingOf(projection, logs, before) },
        parked: async (shard) => before.parked(shard),
      })
      await fold.advance()
      expect(await foldedDocuments(projection, fold)).toEqual(laneDocuments(projection, store))
    }))

  it('is the same where only one document is wanted, and its changes are told', () =>
    check(async (logs, store, stretch) => {
      const documents = laneDocuments(projection, store)
      for (const key of Object.keys(documents)) {
        const told = new Set<string>()
        const fold = open(projection, {
          ...{ logs, stretch },
          wants: (wanted) => wanted === key,
          parked: async (shard) => store.parked(shard),
          onChange: (change) => told.add(change.key),
        })
        await fold.advance()
        expect(await foldedDocuments(projection, fold)).toEqual({ [key]: documents[key] })
        expect([...told]).toEqual([key])
      }
    }))
})

it('is tried with events that were parked, and with some that came too late', async () => {
  const histories = fc.sample(anyHistory(codec), { numRuns: 100, seed: 1 })
  const stores = await Promise.all(
    histories.map((logs) => applyAll(ordersByHour, sourcesOf(ordersByHour, logs), [4])),
  )
  const parked = stores.flatMap((store) => [
    ...store.parked({ topic: 'orders.order.events', partition: 0 }).keys(),
  ])
  expect(parked.length).toBeGreaterThan(10)
  expect(stores.flatMap(({ late }) => late).length).toBeGreaterThan(10)
})
