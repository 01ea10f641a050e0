import { range, type Comparison } from './filters.ts'
import type { ShardId } from './documents.ts'

/** A document of a read model, within its tenant. */
export type DocumentKey = { readonly tenant: string; readonly key: string }

/** A partial of a grouped one: what one source partition, and of a large key one part, has to say. */
export type PartialKey = DocumentKey & ShardId & { readonly part: string }

export const documentId = ({ tenant, key }: DocumentKey): string => `${tenant}/${key}`

const LAST_CODE_POINT = 0x10ffff
const FIRST_SURROGATE = 0xd800
const BEHIND_SURROGATES = 0xe000

/** The next character in UTF-8, by whose bytes MongoDB orders text; surrogates are no characters. */
const characterAfter = (character: number): number =>
  character + 1 === FIRST_SURROGATE ? BEHIND_SURROGATES : character + 1

/** The first text that comes after all that begin with this one, which has to have a character that is not the last. */
const behindAll = (prefix: string): string => {
  const characters = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  const raised = characters.findLastIndex((character) => character < LAST_CODE_POINT)
  return String.fromCodePoint(
    ...characters.slice(0, raised),
    characterAfter(characters[raised] ?? LAST_CODE_POINT),
  )
}

/** Of the tenant's documents whose keys begin like this. */
export const idsOfPrefix = (prefix: DocumentKey): Comparison => {
  const first = documentId(prefix)
  return range({ gte: first, lt: behindAll(first) })
}

/** `<tenant>/<key>/<part>/<topic>/<partition>`: partials of a key lie side by side, in lists and in the index. */
export const partialId = ({ tenant, key, part, topic, partition }: PartialKey): string => {
  if (key === '' || key.includes('/') || part.includes('/'))
    throw new TypeError(
      `${JSON.stringify({ key, part })} cannot be a key and part of partials: no slash, no empty key`,
    )
  return `${tenant}/${key}/${part}/${topic}/${partition}`
}

export const keyOfPartial = (id: string, tenant: string): string =>
  id.slice(tenant.length + 1, id.indexOf('/', tenant.length + 1))

/** `<tenant>/<key>`, the id that its document would have. */
export const documentOfPartial = (id: string): string => id.split('/', 2).join('/')

/** `<topic>/<partition>`. */
export const placeOfPartial = (id: string): string => id.split('/').slice(-2).join('/')

/** Of the document with this id. `0` follows the slash. */
export const idsOfPartials = (document: string): Comparison =>
  range({ gt: `${document}/`, lt: `${document}0` })

export const idsBehindPartials = (document: string): Comparison => range({ gte: `${document}0` })
