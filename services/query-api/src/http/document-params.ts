import type { AnyProjection } from '@millrace/domain'
import { topics } from '@millrace/events'
import { z } from 'zod'

const MAX_KEY_LENGTH = 512

const RULE = `must have at most ${MAX_KEY_LENGTH} characters and no control character`

/** A key, or the beginning of one. */
export const keyText = z
  .string()
  .max(MAX_KEY_LENGTH, RULE)
  .regex(
    // eslint-disable-next-line no-control-regex -- because control characters are what it is about
    /^[^\x00-\x1f\x7f-\x9f]*$/,
    RULE,
  )

export const documentParams = z.strictObject({
  id: keyText.regex(/^[^/]*$/, 'must have no slash').describe('Key of the document.'),
})

const paramsWithSlash = z.strictObject({
  id: keyText.describe('Key of the document; a slash in it is written as `%2F`.'),
})

/** Ids of aggregates have no slash, nor has what documents are grouped by. What is measured has names of its own. */
export const documentParamsOf = ({ kind, sources }: Pick<AnyProjection, 'kind' | 'sources'>) =>
  kind !== 'grouped' && sources.every((source) => topics[source].kind !== 'events')
    ? paramsWithSlash
    : documentParams
