import { z } from 'zod'
import type { Precondition } from '../write.ts'

const MAX_TAGS = 16
const STRONG_TAG = /^"(0|[1-9]\d{0,14})"$/
const ANY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/

const tagsOf = (header: string): string[] => header.split(',').map((tag) => tag.trim())

const isIfMatch = (header: string): boolean => {
  if (header.trim() === '*') return true
  const tags = tagsOf(header)
  return tags.length <= MAX_TAGS && tags.every((tag) => ANY_TAG.test(tag))
}

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
  .refine(isIfMatch, 'must be * or up to 16 entity tags such as "3", in double quotes')
  .transform(toPrecondition)
  .describe('Only if the aggregate is at this version (`"3"`), or exists (`*`).')
