import type { ClientSession, Filter, Sort } from 'mongodb'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, withoutEngineMembers, type ReadModelDocument } from './documents.ts'
import { translating } from './mongo-error.ts'

type Scalar = string | number

/** One condition on one declared field; nothing else can reach MongoDB from a request. */
export type Condition =
  | { readonly field: string; readonly is: Scalar }
  | { readonly field: string; readonly from?: number; readonly below?: number }

/** Where the page before ended: the sort value and the document's `_id`. */
export type PageEnd = { readonly value: Scalar | null; readonly id: string }

type Order = { readonly field: string; readonly descending: boolean }

export type ListQuery = {
  readonly projection: string
  readonly tenant: string
  readonly conditions: readonly Condition[]
  readonly sort: Order | undefined
  readonly limit: number
  readonly after?: PageEnd
}

export type FoundDocument = {
  readonly id: string
  readonly fields: Readonly<Record<string, unknown>>
}

export type ReadModels = {
  findOne(projection: string, scope: { tenant: string; id: string }): Promise<FoundDocument | undefined>
  list(query: ListQuery): Promise<FoundDocument[]>
}

const found = (document: ReadModelDocument): FoundDocument => ({
  id: document._id,
  fields: withoutEngineMembers(document),
})

const conditionFilter = (condition: Condition): Filter<ReadModelDocument> => {
  if ('is' in condition) return { [condition.field]: { $eq: condition.is } }
  const range = {
    ...(condition.from === undefined ? {} : { $gte: condition.from }),
    ...(condition.below === undefined ? {} : { $lt: condition.below }),
  }
  return { [condition.field]: range }
}

/** Everything behind `end` in the order (field, _id), so that ties neither repeat nor skip. */
const behind = (end: PageEnd, sort: ListQuery['sort']): Filter<ReadModelDocument> => {
  if (!sort) return { _id: { $gt: end.id } }
  const { field, descending } = sort
  const afterTie = { [field]: { $eq: end.value }, _id: { [descending ? '$lt' : '$gt']: end.id } }
  return { $or: [...beyond(end.value, sort), afterTie] }
}

/** A missing value sorts below all others, but comparisons never match across types. */
const beyond = (value: PageEnd['value'], { field, descending }: Order): Filter<ReadModelDocument>[] => {
  if (value === null) return descending ? [] : [{ [field]: { $ne: null } }]
  return descending
    ? [{ [field]: { $lt: value } }, { [field]: { $eq: null } }]
    : [{ [field]: { $gt: value } }]
}

const orderOf = (sort: ListQuery['sort']): Sort => {
  if (!sort) return { _id: 1 }
  const direction = sort.descending ? -1 : 1
  return { [sort.field]: direction, _id: direction }
}

/** The typed builder of read-model queries: each has a tenant, and values are only ever compared. */
export const mongoReadModels = (connection: MongoConnection): ReadModels => {
  const { readModel } = collectionsOf(connection.db)
  // Causally after the checkpoint that `?after=` looked at: a new primary could show older documents.
  const inCausalSession = <T>(work: (session: ClientSession) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession(work))
  return {
    findOne: (projection, { tenant, id }) =>
      inCausalSession(async (session) => {
        const filter = { _id: { $eq: id }, _tenant: { $eq: tenant } }
        const document = await readModel(projection).findOne(filter, { session })
        return document ? found(document) : undefined
      }),
    list: (query) =>
      inCausalSession(async (session) => {
        const filter: Filter<ReadModelDocument> = {
          $and: [
            { _tenant: { $eq: query.tenant } },
            ...query.conditions.map(conditionFilter),
            ...(query.after ? [behind(query.after, query.sort)] : []),
          ],
        }
        const documents = await readModel(query.projection)
          .find(filter, { session })
          .sort(orderOf(query.sort))
          .limit(query.limit)
          .toArray()
        return documents.map(found)
      }),
  }
}
