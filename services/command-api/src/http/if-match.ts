import { problems } from '@millrace/runtime'
import type { Precondition } from '../write.ts'

const MAX_TAGS = 16
const STRONG_TAG = /^"(\d{1,15})"$/
const ANY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/

/**
 * If-Match as RFC 9110 has it: `*`, or entity tags. Our tags are versions (`"3"`); a weak or foreign tag is
 * well-formed but never matches. Anything else is 400.
 */
export const parseIfMatch = (header: string | undefined): Precondition | undefined => {
  if (header === undefined) return undefined
  if (header.trim() === '*') return { type: 'exists' }
  const tags = header.split(',').map((tag) => tag.trim())
  if (tags.length > MAX_TAGS || !tags.every((tag) => ANY_TAG.test(tag))) {
    throw problems.badRequest('If-Match must be * or up to 16 entity tags such as "3", in double quotes')
  }
  const versions = tags.flatMap((tag) => {
    const version = STRONG_TAG.exec(tag)?.[1]
    return version === undefined ? [] : [Number(version)]
  })
  return { type: 'versions', versions }
}
