import { isDeepStrictEqual } from 'node:util'

/** One field in which two documents differ; `undefined` where a side has no such field. */
export type FieldDifference = {
  /** `total.amount`, `entries.2.at`; empty when one side has no document at all. */
  readonly field: string
  readonly one: unknown
  readonly other: unknown
}

/** More are not told of one document. */
export const MAX_FIELDS = 50

const isComposite = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Every object has a `constructor`, but few documents do. */
const ownOf = (composite: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(composite, name) ? composite[name] : undefined

const below = (field: string, name: string): string => (field === '' ? name : `${field}.${name}`)

/**
 * Down to the fields that hold a value; of lists, by place. What is the same as JSON is the same: 0 and -0, absent and
 * undefined.
 */
export const differencesOf = (one: unknown, other: unknown): FieldDifference[] =>
  allDifferencesOf(one, other).slice(0, MAX_FIELDS)

export const allDifferencesOf = (one: unknown, other: unknown, field = ''): FieldDifference[] => {
  if (one === other || isDeepStrictEqual(one, other)) return []
  if (!isComposite(one) || !isComposite(other) || Array.isArray(one) !== Array.isArray(other))
    return [{ field, one, other }]
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].flatMap((name) =>
    allDifferencesOf(ownOf(one, name), ownOf(other, name), below(field, name)),
  )
}
