import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import {
  documentId,
  idsBehindPartials,
  idsOfPartials,
  keyOfPartial,
  type DocumentKey,
} from './document-id.ts'
import { withoutEngineMembers, type ReadModelDocument } from './documents.ts'
import { ofTenant } from './tenant-data.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a grouped read model has of one key; without a partial there is no document. */
export type Partials = readonly [Fields, ...Fields[]]

export type KeyQuery = {
  readonly projection: string
  readonly tenant: string
  /** Of keys, at least 1. */
  readonly limit: number
  /** Key that the page before ended with. */
  readonly after?: string
}

/** `end`: the last key, when there are others behind it. */
export type KeyPage<T> = { readonly items: readonly T[]; readonly end: string | null }

type At = Pick<Collections, 'readModel'> & { readonly session: ClientSession }

/** Partials of one round trip. */
const BATCH = 500
/** A page that has read so many ends with the key it is at: keys with long histories make short pages. */
const PAGE_PARTIALS = 20_000

export const findPartials = async (
  { readModel, session }: At,
  projection: string,
  key: DocumentKey,
): Promise<Partials | undefined> => {
  const where = { _id: idsOfPartials(documentId(key)) }
  const documents = await ofTenant(readModel(projection), key.tenant)
    .find<ReadModelDocument>(where, { session, sort: { _id: 1 } })
    .toArray()
  return asPartials(documents.map(withoutEngineMembers))
}

/** Holds the partials of one key at a time, and never gives a part of them. */
export const listPartials = async <T>(
  { readModel, session }: At,
  { projection, tenant, limit, after }: KeyQuery,
  read: (partials: Partials) => T,
): Promise<KeyPage<T>> => {
  const where = after === undefined ? {} : { _id: idsBehindPartials(documentId({ tenant, key: after })) }
  const cursor = ofTenant(readModel(projection), tenant).find<ReadModelDocument>(where, {
    session,
    sort: { _id: 1 },
    batchSize: BATCH,
  })
  const items: T[] = []
  let seen = 0
  let key: string | null = null
  let fields: Fields[] = []
  for await (const document of cursor) {
    const next = keyOfPartial(document._id, tenant)
    if (next !== key) {
      const partials = asPartials(fields)
      if (partials) items.push(read(partials))
      if (items.length >= limit || seen >= PAGE_PARTIALS) return { items, end: key }
      key = next
      fields = []
    }
    fields.push(withoutEngineMembers(document))
    seen += 1
  }
  const last = asPartials(fields)
  if (last) items.push(read(last))
  return { items, end: null }
}

const asPartials = ([first, ...others]: readonly Fields[]): Partials | undefined =>
  first && [first, ...others]
