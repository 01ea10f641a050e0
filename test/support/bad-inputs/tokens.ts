import { contexts } from '@millrace/domain'
import { topicNames } from '@millrace/events'
import { scopesOf } from '@millrace/runtime'
import { SignJWT } from 'jose'
import { IDENTITY_ENV } from '../signed-token.ts'

const SCOPES = scopesOf({ contexts: contexts.map(({ name }) => name), topics: topicNames })

export const TENANT = 'acme'
export const OTHER_TENANT = 'other'
export const REVOKED = 'jti-revoked'

const secondsNow = (): number => Math.floor(Date.now() / 1_000)

const goodClaims = () => ({
  iss: IDENTITY_ENV.JWT_ISSUER,
  aud: IDENTITY_ENV.JWT_AUDIENCE,
  sub: 'user-1',
  tenant: TENANT,
  scope: SCOPES.join(' '),
  iat: secondsNow(),
  exp: secondsNow() + 3_600,
})

type Claims = Readonly<Record<string, unknown>>

/** Undefined claims are left out. */
const sign = (claims: Claims = {}, secret = IDENTITY_ENV.JWT_SECRET): Promise<string> =>
  new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .sign(Buffer.from(secret))

const unsigned = (): string =>
  [{ alg: 'none', typ: 'at+jwt' }, goodClaims()]
    .map((part) => `${Buffer.from(JSON.stringify(part)).toString('base64url')}.`)
    .join('')

export type Tokens = {
  readonly good: string
  /** Of the same user in another tenant. */
  readonly foreign: string
  /** Without any scope. */
  readonly powerless: string
  /** By the number of the bad input. */
  readonly bad: Readonly<Record<string, string>>
}

export const makeTokens = async (): Promise<Tokens> => ({
  good: await sign(),
  foreign: await sign({ tenant: OTHER_TENANT }),
  powerless: await sign({ scope: '' }),
  bad: {
    '2: that nobody signed': unsigned(),
    '5: with the signature of somebody else': await sign({}, 'a-secret-that-this-service-does-not-know'),
    '11: expired by 61 s': await sign({ exp: secondsNow() - 61 }),
    '12: not good yet': await sign({ nbf: secondsNow() + 120 }),
    '14: for another audience': await sign({ aud: 'other' }),
    '23: without a tenant': await sign({ tenant: undefined }),
    '23: of two tenants': await sign({ tenant: [TENANT, OTHER_TENANT] }),
    '24: that is revoked': await sign({ jti: REVOKED }),
  },
})
