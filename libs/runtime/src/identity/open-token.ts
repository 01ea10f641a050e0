import { z } from 'zod'
import { duplicateName } from './duplicate-name.ts'
import { TokenRefusal } from './refusal.ts'

/** What fits into the 16 KiB that Node takes of all headers together is more than a token needs. */
const MAX_TOKEN_CHARS = 8_192
const COMPACT_JWS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/
const UTF8 = new TextDecoder('utf-8', { fatal: true })

// A key comes from the configured provider, never from or through the token; an extension that has to be understood
// (`crit`) is not, and `b64` and `zip` change what is signed.
const FORBIDDEN = ['crit', 'b64', 'zip', 'enc', 'jku', 'jwk', 'x5u', 'x5c']

const header = z.looseObject({
  alg: z.string().max(16),
  kid: z.string().max(256).optional(),
  typ: z.string().max(64),
})

export type TokenHeader = { readonly alg: string; readonly kid?: string; readonly typ: string }

const decode = (part: string): string => {
  try {
    return UTF8.decode(Buffer.from(part, 'base64url'))
  } catch {
    throw new TokenRefusal('malformed', 'not UTF-8')
  }
}

const parseObject = (part: string): unknown => {
  const text = decode(part)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new TokenRefusal('malformed', 'not JSON')
  }
  if (duplicateName(text) !== undefined) throw new TokenRefusal('malformed', 'a name stands twice')
  return value
}

/** The header of a token that may be a signed JWT (three parts, JSON with each name once); nothing of it is proven. */
export const openToken = (token: string): TokenHeader => {
  if (token.length > MAX_TOKEN_CHARS) throw new TokenRefusal('malformed', 'too long')
  const [, head = '', payload = ''] = COMPACT_JWS.exec(token) ?? []
  if (head === '') throw new TokenRefusal('malformed', 'not three parts in base64url')
  const parsed = header.safeParse(parseObject(head))
  parseObject(payload)
  if (!parsed.success) throw new TokenRefusal('malformed', `header: ${namesIn(parsed.error)}`)
  const { alg, kid, typ } = parsed.data
  const forbidden = FORBIDDEN.find((name) => Object.hasOwn(parsed.data, name))
  if (forbidden !== undefined) throw new TokenRefusal('malformed', `header: ${forbidden} is not taken`)
  return { alg, typ, ...(kid === undefined ? {} : { kid }) }
}

const namesIn = (error: z.ZodError): string => error.issues.map(({ path }) => path.join('.')).join(', ')
