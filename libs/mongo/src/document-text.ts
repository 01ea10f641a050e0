import { BSON, Long, Timestamp, type Document } from 'mongodb'
import { toMessageKey, type MessageKey } from '@millrace/events'
import { withoutEngineMembers, type ReadModelDocument } from './documents.ts'

/** A collection that a changefeed publishes. */
export type FedCollection = {
  readonly name: string
  /** Then its keys have a tenant, and what starts with `_` is the engine's own. */
  readonly isReadModel: boolean
}

/** Of keys in collections that know no tenants. */
const NO_TENANT = 'millrace'

/** What readers get of a document, as relaxed EJSON. */
export const documentText = ({ isReadModel }: FedCollection, document: Document): string =>
  jsonOf(isReadModel ? withoutEngineMembers(document as ReadModelDocument) : document)

/** Null for a document of a read model whose `_id` is not the engine's. */
export const keyOfDocument = ({ isReadModel }: FedCollection, id: unknown): MessageKey | null => {
  if (!isReadModel) return { tenant: NO_TENANT, key: jsonOf(id) }
  const slash = typeof id === 'string' ? id.indexOf('/') : -1
  if (typeof id !== 'string' || slash < 1 || slash === id.length - 1) return null
  return { tenant: id.slice(0, slash), key: id.slice(slash + 1) }
}

/** The `_id` again, of a message key as text. */
export const documentIdOf = ({ isReadModel }: FedCollection, key: string): unknown =>
  isReadModel
    ? key
    : BSON.EJSON.parse(key.slice(toMessageKey({ tenant: NO_TENANT, key: '' }).length), { relaxed: false })

const jsonOf = (value: unknown): string => BSON.EJSON.stringify(withExactLongs(value), { relaxed: true })

/** Whole numbers beyond 2^53 stay exact, as `$numberLong`: the driver's relaxed form would round them. */
const withExactLongs = (value: unknown): unknown => {
  if (value instanceof Timestamp) return value
  if (value instanceof Long) return { $numberLong: value.toString() }
  if (Array.isArray(value)) return value.map(withExactLongs)
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withExactLongs(member)]))
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
