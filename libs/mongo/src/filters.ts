// The only place where conditions become MongoDB filters. In a filter an object in the place of a value is read as
// operators, so a value that came in as JSON could ask for anything: `{"$gt":""}` is every value, `{"$where":…}` is code.
// Here a field is only ever compared with a scalar, by an operator that is written below. Comparisons carry a symbol:
// neither JSON nor a driver's document has one, so whatever gets past the types is refused before it reaches the driver.

import type { Document } from 'mongodb'

export type Scalar = string | number | boolean | Date | null

const COMPARED = Symbol('compared')
const ANY_OF = Symbol('any of')
const ALL_OF = Symbol('all of')

/** What a field is compared with. */
export type Comparison = { readonly [COMPARED]: Document }

type TenantField = 'tenant' | '_tenant'

type FieldOf<D> = Exclude<keyof D & string, TenantField>

/** Conditions on the fields of documents; all have to hold. None is about the tenant: that is whose they are. */
export type Where<D> = {
  readonly [Path in FieldOf<D> | `${FieldOf<D>}.${string}`]?: Comparison
} & {
  readonly [Tenant in TenantField]?: never
} & {
  readonly [ANY_OF]?: readonly Where<D>[]
  readonly [ALL_OF]?: readonly Where<D>[]
}

type Bounds = {
  readonly gt?: Scalar
  readonly gte?: Scalar
  readonly lt?: Scalar
  readonly lte?: Scalar
}

export const eq = (value: Scalar): Comparison => ({ [COMPARED]: { $eq: scalar(value) } })

export const ne = (value: Scalar): Comparison => ({ [COMPARED]: { $ne: scalar(value) } })

export const isIn = (values: readonly Scalar[]): Comparison => ({ [COMPARED]: { $in: values.map(scalar) } })

const BOUNDS = ['gt', 'gte', 'lt', 'lte'] as const

/** Above, below or between; a bound that is absent does not count, but one has to be there. */
export const range = (bounds: Bounds): Comparison => {
  const compared: Document = {}
  for (const name of BOUNDS) if (bounds[name] !== undefined) compared[`$${name}`] = scalar(bounds[name])
  if (Object.keys(compared).length > 0) return { [COMPARED]: compared }
  throw new TypeError('a range without a bound would compare with nothing')
}

export const anyOf = <D>(...parts: readonly Where<D>[]): Where<D> => ({ [ANY_OF]: parts })

export const allOf = <D>(...parts: readonly Where<D>[]): Where<D> => ({ [ALL_OF]: parts })

type AnyDocument = Readonly<Record<string, unknown>>

/** For MongoDB. Throws a TypeError for what the functions above did not make. */
export const toFilter = (where: Where<AnyDocument>): Document => {
  const filter: Document = {}
  for (const [path, comparison] of Object.entries(where))
    filter[fieldOf(path)] = comparedWith(path, comparison)
  const { [ANY_OF]: any, [ALL_OF]: all } = where
  if (any) filter['$or'] = any.map(toFilter)
  if (all && all.length > 0) filter['$and'] = all.map(toFilter)
  return filter
}

const comparedWith = (path: string, comparison: unknown): Document => {
  if (typeof comparison === 'object' && comparison !== null && COMPARED in comparison)
    return comparison[COMPARED] as Document
  throw new TypeError(`${path} is not compared with anything`)
}

const PATH = /^(?!_?tenant(?:\.|$))[^$.\0][^$\0]*$/

const fieldOf = (path: string): string => {
  if (PATH.test(path) && path !== '__proto__') return path
  throw new TypeError(`${JSON.stringify(path)} is no field to look for`)
}

/** The driver would leave an undefined value out, and the condition with it. */
const scalar = (value: unknown): Scalar => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value === null || value instanceof Date) return value
  throw new TypeError(`a value to compare with is ${typeof value}, not a scalar`)
}
