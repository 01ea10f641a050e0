// The last value of each process, wherever it is: on the compacted topic, in the table, in its changelog, in the snapshot,
// in what a new reader makes of that, in the changes of the changelog, and by a fold of all heartbeats; and it is of the
// last heartbeat of the log, whatever times that one has. Time goes on and changes some, so all are read between two looks
// at how far they are, until nothing has moved meanwhile.

import { isDeepStrictEqual } from 'node:util'
import { entryOf, processes, processState, versionedName, type ProcessDocument } from '@millrace/domain'
import { readHead, topics } from '@millrace/events'
import { loadLastValues } from '@millrace/kafka'
import type { FoldOfHeartbeats } from './fold-of-heartbeats.ts'
import type { LogWatch } from './log-watch.ts'
import type { TableSide } from './table-side.ts'

export type Watches = {
  readonly states: LogWatch
  readonly snapshots: LogWatch
  readonly changes: LogWatch
  readonly fold: FoldOfHeartbeats
}

type Values = ReadonlyMap<string, unknown>
export type Found = { readonly what: string; readonly found: Values; readonly expected: Values }

const TOPIC = topics['process.state']

const mapValues = <T, To>(map: ReadonlyMap<string, T>, to: (value: T) => To): Map<string, To> =>
  new Map([...map].map(([key, value]) => [key, to(value)]))

const withoutEngineMembers = (document: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !name.startsWith('_')))

/** By message key. */
const documentsOf = async ({ servers }: TableSide, name: string): Promise<Map<string, object>> => {
  const found = await servers.mongoConnection.db
    .collection<{ _id: string }>(`readModel.${name}`)
    .find()
    .toArray()
  return new Map(found.map(({ _id, ...document }) => [_id, document]))
}

type OnTopic = {
  readonly state: object
  readonly key: string
  readonly changedAt: number
  readonly version: number
  readonly offset: number
}

/** Without those that are gone. */
const onTopic = ({ states }: Watches): Map<string, OnTopic> =>
  new Map(
    [...states.last()].flatMap(([messageKey, { record, event }]) => {
      if (!event) return []
      const { key, occurredAt: changedAt, version } = readHead({ ...record, topic: TOPIC.name })
      return [[messageKey, { state: event.data, key, changedAt, version, offset: Number(record.offset) }]]
    }),
  )

const inSnapshot = ({ snapshots }: Watches): Values =>
  new Map(
    [...snapshots.last()].flatMap(([key, { event }]) => {
      if (event?.type !== 'ProcessStateSnapshot') return []
      const { doc, _ts: ts, _v: v } = event.data
      return [[key, { doc, ts, v }] as const]
    }),
  )

const loaded = async ({ kafka, codec }: TableSide): Promise<Values> => {
  const { name: source, partitions } = TOPIC
  const found = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      loadLastValues({ connection: kafka, codec }, { source, snapshots: processState.snapshots, partition }),
    ),
  )
  return new Map(found.flatMap(({ values }) => [...values]))
}

const inChanges = ({ changes }: Watches): Values =>
  new Map(
    [...changes.last()].flatMap(([key, { event }]) =>
      event?.type === 'DocumentChanged' && event.data.after !== null
        ? [[key, JSON.parse(event.data.after)] as const]
        : [],
    ),
  )

/** Everything as it is by its own account, beside what it is by another one. */
const collect = async (side: TableSide, watches: Watches): Promise<Found[]> => {
  const expected = onTopic(watches)
  const changelog = mapValues(await documentsOf(side, versionedName(processes)), withoutEngineMembers)
  const table = await documentsOf(side, versionedName(processState))
  const tableStates = mapValues(table, withoutEngineMembers)
  const asLoaded = mapValues(expected, ({ state: doc, changedAt: ts, offset: v }) => ({ doc, ts, v }))
  return [
    {
      what: 'documents of the changelog, by the topic',
      found: mapValues(changelog, (document) => entryOf(document as ProcessDocument)),
      expected: mapValues(expected, ({ offset: _, ...entry }) => entry),
    },
    {
      what: 'states of the table, by the topic',
      found: mapValues(table, (document) => {
        const { heardAt: _, ...state } = withoutEngineMembers(document)
        return { state, version: '_sequence' in document && document._sequence }
      }),
      expected: mapValues(expected, ({ state, version }) => ({ state, version })),
    },
    { what: 'the snapshot, by the topic', found: inSnapshot(watches), expected: asLoaded },
    { what: 'what a new reader loads, by the topic', found: await loaded(side), expected: asLoaded },
    { what: 'last changes, by the changelog', found: inChanges(watches), expected: changelog },
    {
      what: 'states of the table, by a fold of all heartbeats',
      found: tableStates,
      expected: watches.fold.states(),
    },
    {
      what: 'states of the table, by the last heartbeats',
      found: mapValues(tableStates, ({ startedAt, lastSeenAt: at, beat }) => ({ startedAt, at, beat })),
      expected: lastHeard(watches, tableStates),
    },
  ]
}

/** Of those that are not forgotten. */
const lastHeard = ({ fold }: Watches, states: Values): Values =>
  new Map(
    [...fold.heard()].flatMap(([key, { startedAt, at, beat }]) =>
      states.has(key) ? [[key, { startedAt, at, beat }] as const] : [],
    ),
  )

/** Also of what only one of the two has. */
export const differences = ({ what, found, expected }: Found): string[] =>
  [...new Set([...found.keys(), ...expected.keys()])]
    .filter((key) => !isDeepStrictEqual(plain(found.get(key)), plain(expected.get(key))))
    .map(
      (key) =>
        `${what}: ${key} is ${JSON.stringify(found.get(key))} and not ${JSON.stringify(expected.get(key))}`,
    )

/** Records of the codec have a prototype of their own. */
const plain = (value: unknown): unknown => (value === undefined ? value : JSON.parse(JSON.stringify(value)))

const readOn = async ({ states, snapshots, changes, fold }: Watches): Promise<unknown> => {
  await Promise.all([states, snapshots, changes].map((watch) => watch.readOn()))
  return [await fold.catchUp(), states.offsets(), changes.offsets()]
}

/** What is not the same everywhere; rejects when something moved meanwhile. */
export const lastValueFaults = async (side: TableSide, watches: Watches): Promise<string[]> => {
  const before = await readOn(watches)
  const collected = await collect(side, watches)
  const faults = collected.flatMap(differences)
  if (!isDeepStrictEqual(await readOn(watches), before)) throw new Error('something has moved meanwhile')
  return faults
}
