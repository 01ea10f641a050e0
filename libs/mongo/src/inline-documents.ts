import type { ClientSession } from 'mongodb'
import type { Collections } from './collections.ts'
import { withoutEngineMembers } from './documents.ts'
import { byTenantKey } from './tenant-data.ts'

export type Fields = Readonly<Record<string, unknown>>

/** One document of an inline read model that a commit changes. */
export type InlineChange = {
  /** Name and version of the projection. */
  readonly projection: string
  /** `<tenant>/<key>`. */
  readonly id: string
  /** Fields after the commit; null when there is no document (any more). May refuse the commit. */
  readonly change: (before: Fields | null) => InlineVerdict
}

export type InlineVerdict =
  | { readonly type: 'changed'; readonly fields: Fields | null }
  | { readonly type: 'refused'; readonly reason: string }

export type Refused = Extract<InlineVerdict, { readonly type: 'refused' }>

/** What a commit changes, of which tenant. */
export type TenantChanges = { readonly tenant: string; readonly inline: readonly InlineChange[] }

type At = { readonly collections: Collections; readonly session: ClientSession }

type Working = { readonly tenant: string; readonly before: Fields | null; now: Fields | null }
/** The documents that some commits touch, as they are and as they will be; by projection, by id. */
export type InlineDocuments = ReadonlyMap<string, Map<string, Working>>

export const readDocuments = async (
  { collections, session }: At,
  touching: readonly TenantChanges[],
): Promise<InlineDocuments> => {
  const touched = touching.flatMap(({ tenant, inline }) => inline.map((change) => ({ ...change, tenant })))
  const documents = new Map<string, Map<string, Working>>()
  for (const [projection, changes] of Map.groupBy(touched, (change) => change.projection)) {
    const keys = [...new Map(changes.map(({ tenant, id }) => [id, { tenant, id }])).values()]
    const found = await byTenantKey(collections.readModel(projection)).find(keys, { session }).toArray()
    const byId = new Map(found.map((document) => [document._id, withoutEngineMembers(document)]))
    const working = changes.map(({ id, tenant }): [string, Working] => {
      const before = byId.get(id) ?? null
      return [id, { tenant, before, now: before }]
    })
    documents.set(projection, new Map(working))
  }
  return documents
}

/** Makes all changes of a commit, or none when one of its documents refuses it or a change throws. */
export const changeDocuments = (
  documents: InlineDocuments,
  inline: readonly InlineChange[],
): Refused | undefined => {
  const changed = new Map<Working, Fields | null>()
  for (const { projection, id, change } of inline) {
    const working = documents.get(projection)?.get(id)
    if (!working) continue
    const verdict = change(changed.has(working) ? (changed.get(working) ?? null) : working.now)
    if (verdict.type === 'refused') return verdict
    changed.set(working, verdict.fields)
  }
  for (const [working, fields] of changed) working.now = fields
  return undefined
}

export const writeDocuments = async (
  { collections, session }: At,
  documents: InlineDocuments,
): Promise<void> => {
  for (const [projection, working] of documents) {
    const writes = [...working]
      .filter(([, { before, now }]) => now !== before)
      .map(([id, { tenant, now }]) => ({ tenant, id, fields: now }))
    if (writes.length > 0) await byTenantKey(collections.readModel(projection)).write(writes, { session })
  }
}
