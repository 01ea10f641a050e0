// How tenants' documents are read and written: with the tenant, always. A query has it in its filter (`ofTenant`, or
// `ofTenants` for several at once, each with conditions of its own) or in its key (`byTenantKey`, where the `_id` begins
// with it, so that nothing but the `_id` need be looked at); a document that is written carries it. What the conditions
// may say is in filters.ts; the tenant is not among it. There is no other way to these documents but the engine's own
// work on all of them, which is listed in across-tenants.ts.

import type {
  AggregateOptions,
  AggregationCursor,
  AnyBulkWriteOperation,
  BulkWriteOptions,
  ClientSession,
  Collection,
  Document,
  FindCursor,
  FindOptions,
} from 'mongodb'
import { isIn, toFilter, type Where } from './filters.ts'
import { driversCollection, type Owned, type TenantCollection } from './tenant-collection.ts'

/** A cursor that is planned in full: neither its filter nor its pipeline can be exchanged. */
type Found<Seen> = Pick<FindCursor<Seen>, 'next' | 'toArray' | typeof Symbol.asyncIterator>
type Aggregated<Made> = Pick<AggregationCursor<Made>, 'toArray'>

/** Stages that see nothing but what the conditions let through. */
type Stage =
  | { readonly $sort: Document }
  | { readonly $project: Document }
  | { readonly $group: Document & { _id: unknown } }

type InSession = { readonly session?: ClientSession }

export type OfTenant<D extends Owned> = {
  find<Seen extends Document = D>(where: Where<D>, options?: FindOptions): Found<Seen>
  findOne<Seen extends Document = D>(where: Where<D>, options?: FindOptions): Promise<Seen | null>
  aggregate<Made extends Document>(
    where: Where<D>,
    stages: readonly Stage[],
    options?: AggregateOptions,
  ): Aggregated<Made>
  deleteMany(where: Where<D>, options?: InSession): Promise<void>
}

/** One tenant's share of a query over several. */
export type TenantPart<D> = { readonly tenant: string; readonly where: Where<D> }

export type OfTenants<D extends Owned> = {
  /** At least one part. */
  find<Seen extends Document = D>(parts: readonly TenantPart<D>[], options?: FindOptions): Found<Seen>
  aggregate<Made extends Document>(
    parts: readonly TenantPart<D>[],
    stages: readonly Stage[],
  ): Aggregated<Made>
  insertOne(document: D, options: InSession): Promise<void>
  insertMany(documents: readonly D[], options: BulkWriteOptions): Promise<void>
}

/** An `_id` that begins with its tenant: `<tenant>/…`. */
export type TenantKey = { readonly tenant: string; readonly id: string }

/** `fields: null` deletes the document. */
export type TenantWrite = TenantKey & { readonly fields: Readonly<Record<string, unknown>> | null }

export type ByTenantKey<D extends Owned> = {
  find(keys: readonly TenantKey[], options?: InSession): Found<D>
  /** Each document whole; at least one. */
  write(writes: readonly TenantWrite[], options?: InSession): Promise<void>
}

export const ofTenant = <D extends Owned>(collection: TenantCollection<D>, tenant: string): OfTenant<D> => {
  const documents = documentsOf(collection)
  const filterOf = (where: Where<D>): Document => tenantFilter(collection, { tenant, where })
  return {
    find: <Seen extends Document>(where: Where<D>, options?: FindOptions) =>
      documents.find<Seen>(filterOf(where), options),
    findOne: <Seen extends Document>(where: Where<D>, options?: FindOptions) =>
      documents.findOne<Seen>(filterOf(where), options),
    aggregate: (where, stages, options) =>
      documents.aggregate([{ $match: filterOf(where) }, ...stages], options),
    deleteMany: async (where, options) => void (await documents.deleteMany(filterOf(where), options)),
  }
}

export const ofTenants = <D extends Owned>(collection: TenantCollection<D>): OfTenants<D> => {
  const documents = documentsOf(collection)
  const owned = (document: D): Stored => {
    const stored: Stored = document
    tenantName(stored[collection.tenantField])
    return stored
  }
  const filterOf = (parts: readonly TenantPart<D>[]): Document => ({
    $or: parts.map((part) => tenantFilter(collection, part)),
  })
  return {
    find: <Seen extends Document>(parts: readonly TenantPart<D>[], options?: FindOptions) =>
      documents.find<Seen>(filterOf(parts), options),
    aggregate: (parts, stages) => documents.aggregate([{ $match: filterOf(parts) }, ...stages]),
    insertOne: async (document, options) => void (await documents.insertOne(owned(document), options)),
    insertMany: async (many, options) => void (await documents.insertMany(many.map(owned), options)),
  }
}

export const byTenantKey = <D extends Owned>(collection: TenantCollection<D>): ByTenantKey<D> => {
  const documents = documentsOf(collection)
  const toOperation = ({ tenant, id, fields }: TenantWrite): AnyBulkWriteOperation<Stored> => {
    // As MongoDB’s short way by `_id` wants it, without `$eq`; idOf has seen that it is text.
    const filter = { _id: idOf({ tenant, id }) }
    if (fields === null) return { deleteOne: { filter } }
    const replacement = { ...fields, [collection.tenantField]: tenant }
    return { replaceOne: { filter, replacement, upsert: true } }
  }
  return {
    find: (keys, options) => documents.find<D>(toFilter({ _id: isIn(keys.map(idOf)) }), options),
    write: async (writes, options) =>
      void (await documents.bulkWrite(writes.map(toOperation), { ...options, ordered: false })),
  }
}

type Stored = Document & { readonly _id: string }

/** What its documents have is checked by the types above. */
const documentsOf = <D extends Owned>(collection: TenantCollection<D>): Collection<Stored> =>
  driversCollection(collection) as unknown as Collection<Stored>

const tenantFilter = <D extends Owned>(
  { tenantField }: TenantCollection<D>,
  { tenant, where }: TenantPart<D>,
): Document => ({ [tenantField]: { $eq: tenantName(tenant) }, ...toFilter(where) })

const tenantName = (tenant: unknown): string => {
  if (typeof tenant === 'string' && tenant !== '') return tenant
  throw new TypeError('tenants’ documents without a tenant')
}

const idOf = ({ tenant, id }: TenantKey): string => {
  if (typeof id === 'string' && id.startsWith(`${tenantName(tenant)}/`)) return id
  throw new TypeError('a key without its tenant')
}
