// Commits whose aggregates have inline read models: commit and documents change in one transaction, or not at all.
// Those that wait go together, as plain commits do, but in one transaction: read the touched documents, let each
// commit change them in turn (or be refused), insert the commits, write the documents.
//
// A transaction ends with the first duplicate key, for all of its commits. So after one the losers are found by
// looking (whose key was used, whose version is there), get their answers, and the rest goes again. Two commits of
// one stream, or under one key, never share a transaction: they would be each other's duplicate.
//
// A document that somebody else's transaction holds makes the whole group conflict. So a group that keeps conflicting
// is halved until the commit that wants that document is alone; it is then tried by itself, beside the next groups.

import type { ClientSession } from 'mongodb'
import { lostTo, type AppendOutcome } from './append-commits.ts'
import type { Collections } from './collections.ts'
import type { CommitDocument } from './documents.ts'
import { eq } from './filters.ts'
import { findFormers, scopeNameOf, scopeOf } from './former-answers.ts'
import { streamNameOf } from './load-streams.ts'
import {
  changeDocuments,
  readDocuments,
  writeDocuments,
  type InlineChange,
  type InlineDocuments,
} from './inline-documents.ts'
import { isDuplicateKey, isWriteConflict } from './mongo-error.ts'
import { ofTenants } from './tenant-data.ts'
import { inTransaction } from './transaction.ts'

export type InlineCommit = {
  readonly commit: CommitDocument
  readonly inline: readonly InlineChange[]
}

type At = { readonly collections: Collections; readonly session: ClientSession }

/** The change itself threw: the fault of one commit, which must not become that of its group. */
type Failed = { readonly type: 'failed'; readonly error: unknown }

/** Alone, and another transaction still holds its document: it has to wait without the others. */
type Held = { readonly type: 'held' }

export type InlineOutcome = AppendOutcome | Failed | Held

/** How long a group tries before it is halved; a transaction of a living process is over in a few milliseconds. */
const GROUP_PATIENCE_MS = 100

/** Losing again and again means that somebody else is faster each time: let the callers decide anew. */
const MAX_ROUNDS = 8

/** A commit by itself, with all the patience that a request has. */
export const appendHeld = async (at: At, wanted: InlineCommit): Promise<AppendOutcome | Failed> => {
  const outcomes = await writeOrLose(at, [wanted])
  return outcomes.get(wanted) ?? { type: 'version-taken' }
}

export const appendInline = async (at: At, wanted: readonly InlineCommit[]): Promise<InlineOutcome[]> => {
  const outcomes = new Map<InlineCommit, InlineOutcome>()
  let left = wanted
  for (let round = 1; left.length > 0 && round <= MAX_ROUNDS + wanted.length; round++) {
    for (const [commit, outcome] of await appendGroup(at, oneOfAStream(left))) outcomes.set(commit, outcome)
    left = left.filter((commit) => !outcomes.has(commit))
  }
  return wanted.map((commit) => outcomes.get(commit) ?? { type: 'version-taken' })
}

/** Outcomes of those that are decided; the others have to go again. */
const appendGroup = async (
  at: At,
  group: readonly InlineCommit[],
): Promise<ReadonlyMap<InlineCommit, InlineOutcome>> => {
  try {
    return await writeOrLose(at, group, { conflictsForMs: GROUP_PATIENCE_MS })
  } catch (error) {
    if (!isWriteConflict(error)) throw error
    return halve(at, group)
  }
}

/** The group in one transaction, or, when that met a duplicate key, its losers. */
const writeOrLose = async (
  at: At,
  group: readonly InlineCommit[],
  patience?: { readonly conflictsForMs: number },
): Promise<ReadonlyMap<InlineCommit, AppendOutcome | Failed>> => {
  try {
    return await inTransaction(at.session, () => writeGroup(at, group), patience)
  } catch (error) {
    if (!isDuplicateKey(error)) throw error
    return losersOf(at, group)
  }
}

const halve = async (
  at: At,
  group: readonly InlineCommit[],
): Promise<ReadonlyMap<InlineCommit, InlineOutcome>> => {
  const [alone] = group
  if (alone && group.length === 1) return new Map([[alone, { type: 'held' }]])
  const middle = Math.ceil(group.length / 2)
  const first = await appendGroup(at, group.slice(0, middle))
  const second = await appendGroup(at, group.slice(middle))
  return new Map([...first, ...second])
}

const oneOfAStream = (commits: readonly InlineCommit[]): InlineCommit[] => {
  const taken = new Set<string>()
  return commits.filter(({ commit }) => {
    const names = [streamNameOf(commit), scopeNameOf(scopeOf(commit))]
    if (names.some((name) => taken.has(name))) return false
    for (const name of names) taken.add(name)
    return true
  })
}

const writeGroup = async (
  { collections, session }: At,
  group: readonly InlineCommit[],
): Promise<ReadonlyMap<InlineCommit, AppendOutcome | Failed>> => {
  const touching = group.map(({ commit, inline }) => ({ tenant: commit.tenant, inline }))
  const documents = await readDocuments({ collections, session }, touching)
  const outcomes = new Map(group.map((wanted) => [wanted, changeAll(documents, wanted)]))
  const accepted = group.filter((wanted) => outcomes.get(wanted)?.type === 'appended')
  if (accepted.length === 0) return outcomes
  await ofTenants(collections.commits).insertMany(
    accepted.map(({ commit }) => commit),
    { session },
  )
  await writeDocuments({ collections, session }, documents)
  return outcomes
}

/** All changes of a commit, or none when one of its documents refuses it. */
const changeAll = (documents: InlineDocuments, { inline }: InlineCommit): AppendOutcome | Failed => {
  try {
    return changeDocuments(documents, inline) ?? { type: 'appended' }
  } catch (error) {
    return { type: 'failed', error }
  }
}

const losersOf = async (
  { collections, session }: At,
  group: readonly InlineCommit[],
): Promise<ReadonlyMap<InlineCommit, AppendOutcome>> => {
  const formers = await findFormers(
    collections.answers,
    group.map(({ commit }) => scopeOf(commit)),
    session,
  )
  const places = group.map(({ commit: { tenant, stream, first } }) => ({
    tenant,
    where: { stream: eq(stream), first: eq(first) },
  }))
  const taken = await ofTenants(collections.commits)
    .find<Pick<CommitDocument, 'tenant' | 'stream'>>(places, {
      session,
      projection: { tenant: 1, stream: 1 },
    })
    .toArray()
  const takenStreams = new Set(taken.map(streamNameOf))
  const losers = group.flatMap((wanted, index): [InlineCommit, AppendOutcome][] => {
    const former = formers[index]
    const hasLost = former !== undefined || takenStreams.has(streamNameOf(wanted.commit))
    return hasLost ? [[wanted, lostTo(wanted.commit, former)]] : []
  })
  return new Map(losers)
}
