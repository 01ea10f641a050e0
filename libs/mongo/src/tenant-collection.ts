import type { Collection, Document } from 'mongodb'

/** Documents that say whose they are. */
export type Owned =
  { readonly _id: string; readonly tenant: string } | { readonly _id: string; readonly _tenant: string }

const DRIVERS = Symbol('the driver’s collection')

/** It cannot be asked anything: see tenant-data.ts and across-tenants.ts. */
export type Sealed<D extends Document> = { readonly [DRIVERS]: Collection<D> }

/** A collection with documents of many tenants. */
export type TenantCollection<D extends Owned> = Sealed<D> & {
  readonly tenantField: 'tenant' | '_tenant'
}

export const sealed = <D extends Document>(collection: Collection<D>): Sealed<D> => ({
  [DRIVERS]: collection,
})

export const tenantCollection = <D extends Owned>(
  collection: Collection<D>,
  tenantField: D extends { readonly tenant: string } ? 'tenant' : '_tenant',
): TenantCollection<D> => ({ ...sealed(collection), tenantField })

export const driversCollection = <D extends Document>(collection: Sealed<D>): Collection<D> =>
  collection[DRIVERS]
