import { createHmac } from 'node:crypto'

const SECRET = 'a-secret-of-this-test-run-alone-and-of-no-other'
const ISSUER = 'https://issuer.example'
const AUDIENCE = 'millrace'
const GOOD_FOR_SECONDS = 24 * 60 * 60

/** For a service that lets in by token, as in production. */
export const IDENTITY_ENV = { JWT_SECRET: SECRET, JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE }

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

/** A token that such a service takes. */
export const signedToken = (scopes: readonly string[], tenant = 'demo'): string => {
  const now = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: ISSUER,
    aud: AUDIENCE,
    sub: 'test',
    iat: now,
    exp: now + GOOD_FOR_SECONDS,
    tenant,
    scope: scopes.join(' '),
  }
  const text = `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}`
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
}
