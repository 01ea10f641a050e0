import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import { isIn } from './filters.ts'
import type { LoggedCommit } from './publication-records.ts'
import { ofTenant } from './tenant-data.ts'

/** Which events of a commit a reader is after, without their data. */
export type Match = {
  /** Of the commit. */
  readonly order: number
  readonly events: readonly {
    /** Place in the commit. */
    readonly index: number
    readonly bytes: number
  }[]
}

export type Wanted = {
  readonly tenant: string
  /** As they were written; all when absent. */
  readonly types?: readonly string[]
}

type At = Pick<Collections, 'commits'> & { readonly session: ClientSession }

type Head = {
  readonly _id: string
  readonly order: number
  readonly types: readonly string[]
  readonly bytes: readonly number[]
}

/** By commit id; commits of which nothing matches stay where they are. */
export const findMatches = async (
  { commits, session }: At,
  wanted: Wanted,
  logged: readonly LoggedCommit[],
): Promise<ReadonlyMap<string, Match>> => {
  if (logged.length === 0) return new Map()
  const bytes = { $map: { input: '$events.bytes', in: { $binarySize: '$$this' } } }
  const heads = await ofTenant(commits, wanted.tenant)
    .aggregate<Head>(matching(wanted, logged), [{ $project: { order: 1, types: '$events.type', bytes } }], {
      session,
      hint: '_id_',
    })
    .toArray()
  return new Map(heads.map((head) => [head._id, toMatch(head, wanted)]))
}

const matching = ({ types }: Wanted, logged: readonly LoggedCommit[]) => ({
  _id: isIn(logged.map(({ id }) => id)),
  ...(types ? { 'events.type': isIn(types) } : {}),
})

const toMatch = ({ order, types, bytes }: Head, wanted: Wanted): Match => ({
  order,
  events: types.flatMap((type, index) =>
    !wanted.types || wanted.types.includes(type) ? [{ index, bytes: bytes[index] ?? 0 }] : [],
  ),
})
