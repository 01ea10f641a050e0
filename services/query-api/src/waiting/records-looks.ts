// Whether a document of a changelog is not older than records of its table's source: heartbeats. Between the two lie the
// table, the outbox and the compacted topic, which keeps the last value of a key only, so there is no number to wait for on
// the way. But each state has one, the sequence that the table wrote it with, and its document has it as `version`:
//
//   1. the table has read the records, in each of their partitions;
//   2. then the document is of the state that the key has at that moment, or of a later one; or the key has no state any
//      more, and so no document.
//
// Of a look at 2 the document comes first: its version is never above that of the state that is read after it, unless it is
// from before the source was created anew, when offsets began again.

import { tables, versionedName, type AnyTable } from '@millrace/domain'
import { toMessageKey, topics } from '@millrace/events'
import {
  documentId,
  type Checkpoint,
  type CheckpointId,
  type LaneLookup,
  type ReadModels,
} from '@millrace/mongo'
import { problems, type RecordsPosition } from '@millrace/runtime'
import type { Served } from '../served-builds.ts'
import { behind, type Lateness } from './late.ts'
import type { Look, Looks } from './until-fresh.ts'

export type RecordsDeps = {
  /** Of tables, which live with the events. */
  readonly states: Pick<ReadModels, 'findOne'> & {
    readCheckpoint(id: CheckpointId): Promise<Pick<Checkpoint, 'nextOffset'> | undefined>
  }
  readonly documents: Pick<ReadModels, 'findOne'>
  readonly lanes: Pick<LaneLookup, 'isParked'>
}

type Records = { readonly tenant: string; readonly position: RecordsPosition }

export const recordsLooks = (deps: RecordsDeps, { tenant, position }: Records): Looks => {
  const seen: Seen = { isRead: false, wanted: undefined }
  return (served, key) => {
    const { projection } = served
    const table = tables.find(
      ({ source, topic }) => source === position.topic && projection.sources.some((one) => one === topic),
    )
    if (!table)
      throw problems.badRequest(
        `${projection.name} ${projection.version} is not made from a table of ${position.topic}`,
      )
    if (key === null)
      throw problems.badRequest(
        `after: records of ${position.topic} are waited for in one document, not in a list`,
      )
    return lookFor(deps, seen, { served, table, position, tenant, key })
  }
}

/** Of the table, by the looks so far. */
type Seen = {
  /** It has the records. */
  isRead: boolean
  /** Sequence of the key's state when it first had them. */
  wanted: number | undefined
}

/** Below the sequence of any state. */
const NONE = 0

type Sought = Records & { readonly served: Served; readonly table: AnyTable; readonly key: string }

const lookFor = (deps: RecordsDeps, seen: Seen, sought: Sought): Look => {
  let isFirst = true
  return async () => {
    if (!seen.isRead) {
      const unread = await behindRecords(deps, sought)
      if (unread) return unread
      seen.isRead = true
    }
    const standing = await standingOf(deps, seen, sought)
    if (standing === 'fresh' || !isFirst) return standing
    isFirst = false
    return (await isParked(deps, sought)) ? { ...standing, state: 'quarantined' } : standing
  }
}

/** Undefined when the table has them all. */
const behindRecords = async (
  { states }: RecordsDeps,
  { table, position: { topic, offsets } }: Sought,
): Promise<Lateness | undefined> => {
  const lanes = Object.entries(offsets).map(async ([partition, wanted]) => {
    const id = { projection: versionedName(table), topic, partition: Number(partition) }
    const { nextOffset } = (await states.readCheckpoint(id)) ?? { nextOffset: 0 }
    return { reached: nextOffset - 1, wanted }
  })
  const unread = (await Promise.all(lanes)).find(({ reached, wanted }) => reached < wanted)
  return unread && behind(unread.reached, unread.wanted)
}

const standingOf = async (deps: RecordsDeps, seen: Seen, sought: Sought): Promise<'fresh' | Lateness> => {
  const { version, newest } = await readBoth(deps, sought)
  if (newest !== NONE) seen.wanted ??= newest
  const wanted = seen.wanted ?? version + 1
  const isFresh = newest === NONE ? version === NONE : wanted <= version && version <= newest
  // They are offsets of the record behind the last one that is in a state.
  return isFresh ? 'fresh' : behind(version - 1, wanted - 1)
}

/** Sequences of the document's state, and of the newest one. */
const readBoth = async (
  { documents, states }: RecordsDeps,
  { served, table, tenant, key }: Sought,
): Promise<{ readonly version: number; readonly newest: number }> => {
  const one = { tenant, id: documentId({ tenant, key }) }
  const document = await documents.findOne(served.build, one)
  const state = await states.findOne(versionedName(table), one)
  return { version: Number(document?.fields['version'] ?? NONE), newest: state?.sequence ?? NONE }
}

const isParked = async ({ lanes }: RecordsDeps, { served, table, tenant, key }: Sought): Promise<boolean> => {
  const { name: topic, partitions } = topicOf(table)
  const parked = Array.from({ length: partitions }, (_, partition) =>
    lanes.isParked(
      { projection: served.build, topic, partition },
      { parkingKey: toMessageKey({ tenant, key }), upTo: Infinity },
    ),
  )
  return (await Promise.all(parked)).includes(true)
}

const topicOf = ({ topic }: AnyTable) => topics[topic]
