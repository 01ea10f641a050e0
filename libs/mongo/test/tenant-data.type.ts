// Compiled, never run: what must not compile.
import { collectionsOf } from '../src/collections.ts'
import type { MongoConnection } from '../src/connect-mongo.ts'
import { allOf, eq, isIn, range } from '../src/filters.ts'
import { byTenantKey, ofTenant, ofTenants } from '../src/tenant-data.ts'

declare const connection: MongoConnection
const { commits, snapshots, readModel } = collectionsOf(connection)

export const complete = [
  ofTenant(commits, 'acme').find({ stream: eq('a'), first: range({ gt: 1 }), 'events.type': isIn(['A']) }),
  ofTenant(readModel('p.v1'), 'acme').find(
    allOf({ status: eq('paid') }, { 'total.amount': range({ lt: 5 }) }),
  ),
  ofTenants(commits).find([{ tenant: 'acme', where: { stream: eq('a') } }]),
  byTenantKey(snapshots).find([{ tenant: 'acme', id: 'acme/a@1' }]),
]

// @ts-expect-error a collection of tenants' documents answers nothing by itself
export type Raw = (typeof commits)['find']

// @ts-expect-error no tenant
ofTenant(commits).find({ stream: eq('a') })

// @ts-expect-error no tenant either
ofTenant(commits, undefined).find({ stream: eq('a') })

// @ts-expect-error one of several without a tenant
ofTenants(commits).find([{ where: { stream: eq('a') } }])

// @ts-expect-error another tenant than the accessor's
ofTenant(commits, 'acme').find({ stream: eq('a'), tenant: eq('other') })

// @ts-expect-error another tenant, in a read model
ofTenant(readModel('p.v1'), 'acme').find({ _tenant: eq('other') })

// @ts-expect-error another tenant, in a part of the conditions
ofTenant(readModel('p.v1'), 'acme').find(allOf({ _tenant: eq('other') }))

// @ts-expect-error a document without its tenant
void ofTenants(snapshots).insertMany([{ _id: 'a', stream: 'a' }], {})

// @ts-expect-error a key without its tenant
byTenantKey(snapshots).find([{ id: 'acme/a@1' }])

// @ts-expect-error a write without its tenant
void byTenantKey(readModel('p.v1')).write([{ id: 'acme/a', fields: {} }])

// @ts-expect-error a value that no operator stands before
ofTenant(commits, 'acme').find({ stream: 'a' })

// @ts-expect-error an operator in the place of a comparison
ofTenant(commits, 'acme').find({ stream: { $gt: '' } })

// @ts-expect-error an operator of the whole query
ofTenant(commits, 'acme').find({ $where: eq('true') })

// @ts-expect-error a value that may be operators
eq({ $gt: '' })

// @ts-expect-error a field that commits do not have
ofTenant(commits, 'acme').find({ customerId: eq('c-1') })

// @ts-expect-error a stage that looks into another collection
ofTenant(commits, 'acme').aggregate({ stream: eq('a') }, [{ $unionWith: 'snapshots' }])

export const found = ofTenant(commits, 'acme').find({ stream: eq('a') })
// @ts-expect-error a cursor whose filter could be exchanged
export type Exchanged = (typeof found)['filter']
