import { problems, type ProblemError } from './problem.ts'

export type BodyType = 'json' | 'ndjson'

const TYPES = new Map<string, BodyType>([
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
])
const IN_UTF8 = /^(?<type>[\w/.+-]+)[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?$/i

/** What a body says it is; undefined, which is a 415, for every other type, charset or parameter, and for none. */
export const parseContentType = (given: string | undefined): BodyType | undefined => {
  if (given === undefined) return undefined
  return TYPES.get(given) ?? TYPES.get(IN_UTF8.exec(given)?.groups?.['type']?.toLowerCase() ?? '')
}

/** 415 for a compressed body: nobody can tell how large it is. Says what would be taken, as RFC 9110 wants. */
export const checkContentEncoding = (given: string | undefined): ProblemError | undefined => {
  if (given === undefined || given.toLowerCase() === 'identity') return undefined
  return problems.unsupportedMediaType('compressed bodies are not accepted', {
    headers: { 'accept-encoding': 'identity' },
  })
}
