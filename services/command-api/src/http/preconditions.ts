import { z } from 'zod'
import type { Precondition } from '../write.ts'

const STRONG_TAG = /^"(0|[1-9]\d{0,14})"$/
const ANY_TAG = /(?:W\/)?"[\x21\x23-\x7e]*"/
const TAGS = new RegExp(ANY_TAG, 'g')
/** At most 16 tags. */
const IF_MATCH = new RegExp(String.raw`^\s*(?:\*|${ANY_TAG.source}(?:\s*,\s*${ANY_TAG.source}){0,15})\s*$`)

const tagsOf = (header: string): string[] => header.match(TAGS) ?? []

const toPrecondition = (header: string): Precondition => {
  if (header.trim() === '*') return { type: 'exists' }
  const versions = tagsOf(header).flatMap((tag) => {
    const version = STRONG_TAG.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
  return { type: 'versions', versions }
}

/**
 * If-Match as RFC 9110 has it: `*`, or entity tags. Our tags are versions (`"3"`); a weak or foreign tag is
 * well-formed but never matches.
 */
export const ifMatchField = z
  .string()
  .regex(IF_MATCH, 'must be * or up to 16 entity tags such as "3", in double quotes')
  .transform(toPrecondition)
  .describe('Only if the aggregate is at this version (`"3"`), or exists (`*`).')

/** If-None-Match of a command: only what begins something can want it, so its tags would say nothing. */
export const ifNoneMatchField = z
  .string()
  .regex(/^\s*\*\s*$/, 'must be * (only if it does not exist yet); name versions in If-Match')
  .transform((): Precondition => ({ type: 'versions', versions: [0] }))
  .describe('`*`: only if the aggregate does not exist yet.')
