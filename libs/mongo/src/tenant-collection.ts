import type { Collection } from 'mongodb'

/** Documents that say whose they are. */
export type Owned =
  { readonly _id: string; readonly tenant: string } | { readonly _id: string; readonly _tenant: string }

const DRIVERS = Symbol('the driver’s collection')

/** A collection with documents of many tenants. It cannot be asked anything: see tenant-data.ts and across-tenants.ts. */
export type TenantCollection<D extends Owned> = {
  readonly [DRIVERS]: Collection<D>
  readonly tenantField: 'tenant' | '_tenant'
}

export const tenantCollection = <D extends Owned>(
  collection: Collection<D>,
  tenantField: D extends { readonly tenant: string } ? 'tenant' : '_tenant',
): TenantCollection<D> => ({ [DRIVERS]: collection, tenantField })

export const driversCollection = <D extends Owned>(collection: TenantCollection<D>): Collection<D> =>
  collection[DRIVERS]
