// One lane = one table on one partition of its source. A batch is: read, one find of the states that it touches and of
// those that time has changed meanwhile, fold in memory, one transaction of states, checkpoint and the messages that
// publish what has changed. The relay of the outbox takes them to the compacted topic.
//
// The checkpoint's watermark is the time that has passed in the partition. It moves with the states or not at all, so a
// lane that comes back after a downtime goes on with the time at which it had stopped, and the backlog's own times decide.
//
// Where time changes more states than are at hand, further transactions follow, which leave the offset as it is. One that
// lands twice does no harm: what time makes of a state is the same however often it is looked at.
//
// A record that cannot be read is passed by and counted: of a measurement the next one says more. Its time counts.

import { versionedName, type AnyTable, type Document } from '@millrace/domain'
import {
  DecodeError,
  isTopicName,
  parseMessageKey,
  toMessageKey,
  writerIdsOf,
  type Codec,
} from '@millrace/events'
import type { KafkaRecord, LaneOutcome, LaneSource } from '@millrace/kafka'
import type { Checkpoint, CheckpointId, OutboxMessage, StateWrite, TableStore } from '@millrace/mongo'
import {
  clockAfter,
  foldTable,
  type TableClock,
  type TableEntry,
  type TableFolding,
} from '@millrace/projections'
import { hasBegunAnew } from './begun-anew.ts'
import { publishAnew } from './publish-anew.ts'
import { readEventOnce, readHeadOnce } from './read-once.ts'
import { toMessage, type Reading } from './table-message.ts'
import { clockOf, progressTo } from './table-progress.ts'

export type TableLaneDeps = {
  readonly table: AnyTable
  readonly store: TableStore
  /** One that encodes what the table publishes; while it cannot be had, no partition is claimed. */
  readonly codec: () => Promise<Codec>
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly owner: string
  readonly onApplied: (batch: AppliedStates) => void
}

export type AppliedStates = {
  readonly records: number
  readonly unreadable: number
  /** States that changed, and were published. */
  readonly states: number
}

/** As many as time changes at once are at hand; the others are next. */
const DUE_AT_ONCE = 1_000

/** Only its own functions below change it, and they never run at the same time. */
type Lane = {
  readonly deps: TableLaneDeps
  readonly codec: Codec
  readonly id: CheckpointId
  checkpoint: Checkpoint
  /** False after a failure: the last transaction may have landed or not. */
  isCertain: boolean
}

export const tableLanes = (deps: TableLaneDeps): LaneSource => ({
  open: async ({ topic, partition }) => {
    const codec = await deps.codec()
    const id: CheckpointId = { projection: versionedName(deps.table), topic, partition }
    const { owner, store } = deps
    const checkpoint = await store.claim(id, { owner, incarnation: await deps.incarnationOf(topic) })
    const lane: Lane = { deps, codec, id, checkpoint, isCertain: true }
    await publishAnew(lane)
    return {
      get nextOffset() {
        return BigInt(lane.checkpoint.nextOffset)
      },
      apply: (records) => apply(lane, records),
      close: async () => undefined,
    }
  },
})

const apply = async (lane: Lane, records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
  if (!lane.isCertain && !(await isStillOurs(lane))) return { type: 'fenced' }
  if (await hasBegunAnew(lane, records)) return { type: 'fenced' }
  lane.isCertain = false
  const fresh = records.filter(({ offset }) => offset >= BigInt(lane.checkpoint.nextOffset))
  const read = await readEntries(lane, fresh)
  let stepped = await step(lane, read, nextOffsetAfter(lane.checkpoint, fresh))
  while (stepped === 'more') stepped = await step(lane, NOTHING, lane.checkpoint.nextOffset)
  if (stepped === 'fenced') return { type: 'fenced' }
  lane.isCertain = true
  return { type: 'applied', nextOffset: BigInt(lane.checkpoint.nextOffset) }
}

const isStillOurs = async (lane: Lane): Promise<boolean> => {
  const stored = await lane.deps.store.read(lane.id)
  if (stored?.epoch !== lane.checkpoint.epoch) return false
  lane.checkpoint = stored
  return true
}

const nextOffsetAfter = ({ nextOffset }: Checkpoint, fresh: readonly KafkaRecord[]): number => {
  const last = fresh.at(-1)
  return last ? Number(last.offset) + 1 : nextOffset
}

type ReadEntries = { readonly entries: readonly TableEntry[]; readonly unreadable: number }

const NOTHING: ReadEntries = { entries: [], unreadable: 0 }

const readEntries = async (
  { codec, deps: { table } }: Lane,
  records: readonly KafkaRecord[],
): Promise<ReadEntries> => {
  const values = records.map(({ value }) => value)
  await codec.ensureWriters(writerIdsOf(codec, values))
  let unreadable = 0
  const entries = records.map((record): TableEntry => {
    const change = readChange({ codec, table }, record)
    if (change === 'unreadable') unreadable += 1
    return { change: change === 'unreadable' ? null : change, timestampMs: record.timestamp }
  })
  return { entries, unreadable }
}

const readChange = ({ codec, table }: Reading, record: KafkaRecord): TableEntry['change'] | 'unreadable' => {
  const { topic, value } = record
  if (!isTopicName(topic) || value === null) return 'unreadable'
  try {
    const head = readHeadOnce(record, topic)
    const type = codec.newestTypeOf(head.type)
    if (type === undefined) return 'unreadable'
    if (!table.events.some((handled) => handled === type)) return null
    return { id: toMessageKey(head), event: readEventOnce(codec, { record, value, topic }, head) }
  } catch (error) {
    if (error instanceof DecodeError) return 'unreadable'
    throw error
  }
}

/** `more`: there are states that time has changed and that were not at hand. */
type Stepped = 'done' | 'more' | 'fenced'

const step = async (lane: Lane, read: ReadEntries, nextOffset: number): Promise<Stepped> => {
  const { deps, id, checkpoint } = lane
  const { entries, unreadable } = read
  const clock = clockOf(checkpoint)
  const until = entries.reduce((now: TableClock, { timestampMs }) => clockAfter(now, timestampMs), clock)
  const touched = await deps.store.find(id.projection, keysOf(entries))
  const due = until ? await deps.store.due(id, until.clockMs, DUE_AT_ONCE) : []
  // What the store holds was written by this very table.
  const stored = new Map([...due.map(({ id: key, fields }) => [key, fields] as const), ...touched]) as Map<
    string,
    Document
  >
  const folding = foldTable({ table: deps.table, stored, clock }, entries)
  const to = progressTo(checkpoint, nextOffset, folding.clock)
  const outcome = await deps.store.commit(id, { from: checkpoint, to, ...written(lane, folding, nextOffset) })
  if (outcome === 'fenced') return 'fenced'
  lane.checkpoint = { ...checkpoint, ...to }
  deps.onApplied({ records: entries.length, unreadable, states: folding.changed.size })
  // What time does not change although it is due would be due for ever.
  const isMore = due.length === DUE_AT_ONCE && folding.changed.size > 0
  return isMore ? 'more' : 'done'
}

const keysOf = (entries: readonly TableEntry[]): { tenant: string; id: string }[] => {
  const keys = new Map<string, { tenant: string; id: string }>()
  for (const { change } of entries)
    if (change) keys.set(change.id, { tenant: change.event.tenant, id: change.id })
  return [...keys.values()]
}

type Written = { readonly states: readonly StateWrite[]; readonly messages: readonly OutboxMessage[] }

const written = ({ deps: { table }, codec }: Lane, folding: TableFolding, sequence: number): Written => {
  const changed = [...folding.changed]
  const atMs = folding.clock?.lastMs ?? 0
  return {
    states: changed.map(([id, fields]) => ({
      ...{ tenant: parseMessageKey(id).tenant, id, fields, sequence },
      changesAt: fields && table.changesAt(fields),
    })),
    messages: changed.map(([id, state]) =>
      toMessage({ codec, table }, { id, state, version: sequence, atMs }),
    ),
  }
}
