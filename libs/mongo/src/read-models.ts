import type { ClientSession, Sort } from 'mongodb'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { idsOfPrefix, type DocumentKey } from './document-id.ts'
import { withoutEngineMembers, type ReadModelDocument } from './documents.ts'
import { allOf, anyOf, eq, ne, range, type Where } from './filters.ts'
import { findPartials, listPartials, type KeyPage, type KeyQuery, type Partials } from './grouped-reads.ts'
import { translating } from './mongo-error.ts'
import { ofTenant } from './tenant-data.ts'

type Scalar = string | number

/** One condition on one declared field; nothing else can reach MongoDB from a request. */
export type Condition =
  | { readonly field: string; readonly is: Scalar | null }
  | { readonly field: string; readonly from?: number; readonly below?: number }

/** Where the page before ended: the sort value and the document's `_id`. */
export type PageEnd = { readonly value: Scalar | null; readonly id: string }

type Order = { readonly field: string; readonly descending: boolean }

export type ListQuery = {
  readonly projection: string
  readonly tenant: string
  readonly conditions: readonly Condition[]
  /** Of the documents' keys. */
  readonly keyPrefix?: string
  readonly sort: Order | undefined
  readonly limit: number
  readonly after?: PageEnd
}

export type FoundDocument = {
  readonly id: string
  /** Of the last event in it; null where events have none: of inline ones. */
  readonly sequence: number | null
  readonly fields: Readonly<Record<string, unknown>>
}

export type ReadModels = {
  findOne(projection: string, scope: { tenant: string; id: string }): Promise<FoundDocument | undefined>
  list(query: ListQuery): Promise<FoundDocument[]>
  /** All partials of a key of a grouped one, in the order of their ids. */
  findPartials(projection: string, key: DocumentKey): Promise<Partials | undefined>
  /** Keys of a grouped one in the order of their ids; of each, with all its partials, what `read` makes. */
  listPartials<T>(query: KeyQuery, read: (partials: Partials) => T): Promise<KeyPage<T>>
}

const found = (document: ReadModelDocument): FoundDocument => ({
  id: document._id,
  sequence: document._sequence ?? null,
  fields: withoutEngineMembers(document),
})

type Matching = Where<ReadModelDocument>

const meeting = (condition: Condition): Matching => {
  if ('is' in condition) return { [condition.field]: eq(condition.is) }
  const { field, from, below } = condition
  const bounds = {
    ...(from === undefined ? {} : { gte: from }),
    ...(below === undefined ? {} : { lt: below }),
  }
  return { [field]: range(bounds) }
}

const withPrefix = ({ tenant, keyPrefix }: ListQuery): Matching[] =>
  keyPrefix === undefined ? [] : [{ _id: idsOfPrefix({ tenant, key: keyPrefix }) }]

/** Everything behind `end` in the order (field, _id), so that ties neither repeat nor skip. */
const behind = (end: PageEnd, sort: ListQuery['sort']): Matching => {
  if (!sort) return { _id: range({ gt: end.id }) }
  const { field, descending } = sort
  const afterTie = { [field]: eq(end.value), _id: range(descending ? { lt: end.id } : { gt: end.id }) }
  return anyOf(...beyond(end.value, sort), afterTie)
}

/** A missing value sorts below all others, but comparisons never match across types. */
const beyond = (value: PageEnd['value'], { field, descending }: Order): Matching[] => {
  if (value === null) return descending ? [] : [{ [field]: ne(null) }]
  return descending
    ? [{ [field]: range({ lt: value }) }, { [field]: eq(null) }]
    : [{ [field]: range({ gt: value }) }]
}

const orderOf = (sort: ListQuery['sort']): Sort => {
  if (!sort) return { _id: 1 }
  const direction = sort.descending ? -1 : 1
  return { [sort.field]: direction, _id: direction }
}

export const mongoReadModels = (connection: MongoConnection): ReadModels => {
  const collections = collectionsOf(connection)
  const { readModel } = collections
  // Causally after the checkpoint that `?after=` looked at: a new primary could show older documents.
  const inCausalSession = <T>(work: (session: ClientSession) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession(work))
  return {
    findOne: (projection, { tenant, id }) =>
      inCausalSession(async (session) => {
        const documents = ofTenant(readModel(projection), tenant)
        const document = await documents.findOne<ReadModelDocument>({ _id: eq(id) }, { session })
        return document ? found(document) : undefined
      }),
    list: (query) =>
      inCausalSession(async (session) => {
        const where = allOf(
          ...query.conditions.map(meeting),
          ...withPrefix(query),
          ...(query.after ? [behind(query.after, query.sort)] : []),
        )
        const documents = await ofTenant(readModel(query.projection), query.tenant)
          .find<ReadModelDocument>(where, { session, sort: orderOf(query.sort), limit: query.limit })
          .toArray()
        return documents.map(found)
      }),
    ...groupedReads(collections, inCausalSession),
  }
}

const groupedReads = (
  { readModel }: Collections,
  inCausalSession: <T>(work: (session: ClientSession) => Promise<T>) => Promise<T>,
): Pick<ReadModels, 'findPartials' | 'listPartials'> => ({
  findPartials: (projection, key) =>
    inCausalSession((session) => findPartials({ readModel, session }, projection, key)),
  listPartials: (query, read) =>
    inCausalSession((session) => listPartials({ readModel, session }, query, read)),
})
