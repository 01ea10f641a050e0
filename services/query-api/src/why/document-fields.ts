import { isDeepStrictEqual } from 'node:util'
import type { Document, JsonValue } from '@millrace/domain'

type Value = JsonValue | undefined

const isObject = (value: Value): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Values by dotted path: of objects what is in them, lists and empty objects as a whole. */
const leavesOf = (document: Document, prefix = ''): [string, JsonValue][] =>
  Object.entries(document as Readonly<Record<string, Value>>).flatMap(
    ([name, value]): [string, JsonValue][] => {
      if (value === undefined) return []
      const path = `${prefix}${name}`
      return isObject(value) && Object.keys(value).length > 0 ? leavesOf(value, `${path}.`) : [[path, value]]
    },
  )

/** Paths whose value is another one, or there in one of the two only. */
export const changedPaths = (before: Document | null, after: Document | null): string[] => {
  if (before === after) return []
  const [was, is] = [new Map(leavesOf(before ?? {})), new Map(leavesOf(after ?? {}))]
  const paths = new Set([...was.keys(), ...is.keys()])
  return [...paths].filter((path) => !isDeepStrictEqual(was.get(path), is.get(path))).sort()
}

/** A path and those above it: `total.amount`, `total`. */
export const withParents = (path: string): string[] => {
  const dots = [...path.matchAll(/\./g)].map(({ index }) => path.slice(0, index))
  return [...dots, path]
}

export const valueAt = (document: Document | null, path: string): Value =>
  path
    .split('.')
    .reduce<Value>(
      (value, name) => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined),
      document ?? undefined,
    )

export const isChangedAt = (path: string, before: Document | null, after: Document | null): boolean =>
  !isDeepStrictEqual(valueAt(before, path), valueAt(after, path))
