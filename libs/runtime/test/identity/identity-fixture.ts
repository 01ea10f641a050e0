import type { webcrypto } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'
import { z } from 'zod'
import { listen, type Listening } from '../../src/http/listen.ts'
import { ProblemError } from '../../src/http/problem.ts'
import { makeIdentify, type Identity } from '../../src/identity/identify.ts'
import type { Principal } from '../../src/identity/principal.ts'
import type { IdentityConfig } from '../../src/identity/provider.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { readConfig } from '../../src/read-config.ts'
import { apiEnv, apiRules } from '../../src/service-env.ts'
import { recordingLogger, type LogLine } from '../log-lines.ts'

export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'millrace'

const schema = z.object(apiEnv({ port: 0, adminPort: 0 }))

type Env = Readonly<Record<string, string>>

/** As a service reads it. */
export const configOf = (env: Env): IdentityConfig =>
  readConfig(schema, { TOKEN_SECRET: 'x'.repeat(32), ...env }, apiRules)

/** Of a service whose provider publishes its keys at `url`. */
export const providerEnv = (url: string, more: Env = {}): Env => ({
  JWKS_URL: url,
  JWT_ISSUER: ISSUER,
  JWT_AUDIENCE: AUDIENCE,
  ...more,
})

export type TestIdentity = Identity & { readonly lines: LogLine[]; readonly metrics: Metrics }

export const identityOf = (env: Env, now?: () => number): TestIdentity => {
  const { logger, lines } = recordingLogger()
  const metrics = createMetrics('test')
  const identity = makeIdentify(configOf(env), { logger, metrics, ...(now ? { now } : {}) })
  return { ...identity, lines, metrics }
}

export type SigningKey = {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

/** The `alg` is left out of the key: then only the allow-list stands between it and a signature of another kind. */
export const makeKey = async (alg: string, kid: string): Promise<SigningKey> => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: 'sig' } }
}

export type Provider = Listening & {
  /** What it publishes. */
  keys: readonly JWK[]
  /** Takes over the answer; undefined for the usual one. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Paths that were asked for, in order. */
  readonly asked: string[]
}

/** An identity provider on a free port. */
export const openProvider = async (keys: readonly JWK[]): Promise<Provider> => {
  const asked: string[] = []
  const state: Pick<Provider, 'keys' | 'answer'> = { keys, answer: undefined }
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    asked.push(request.url ?? '')
    if (state.answer) return state.answer(request, response)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: state.keys }))
  }
  const listening = await listen(handler, { host: '127.0.0.1', port: 0 })
  return Object.assign(state, listening, { asked })
}

export const secondsNow = (): number => Math.floor(Date.now() / 1_000)

export type TokenParts = {
  readonly header?: Readonly<Record<string, unknown>>
  /** An undefined one is left out. */
  readonly claims?: Readonly<Record<string, unknown>>
}

export const goodClaims = () => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user-1',
  tenant: 'acme',
  scope: 'orders:write streams:read',
  iat: secondsNow(),
  exp: secondsNow() + 600,
})

/** A good token but for what is given. */
export const sign = (key: SigningKey, { header, claims }: TokenParts = {}): Promise<string> =>
  new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header })
    .sign(key.privateKey)

const base64url = (text: string | Buffer): string =>
  (typeof text === 'string' ? Buffer.from(text) : text).toString('base64url')

/** Header and payload as they stand, for what no library would sign. */
export const signRaw = async (
  { privateKey }: SigningKey,
  algorithm: Parameters<webcrypto.SubtleCrypto['sign']>[0],
  [header, payload]: readonly [string, string | Buffer],
): Promise<string> => {
  const text = `${base64url(header)}.${base64url(payload)}`
  const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(text))
  return `${text}.${Buffer.from(signature).toString('base64url')}`
}

/** What identify reads of a request. */
export const requestWith = (token: string | undefined, remoteAddress = '203.0.113.7'): IncomingMessage => {
  const authorization = `Bearer ${token}`
  const request =
    token === undefined
      ? { headers: {}, rawHeaders: [] }
      : { headers: { authorization }, rawHeaders: ['Authorization', authorization] }
  return { ...request, socket: { remoteAddress } } as unknown as IncomingMessage
}

/** `async`, so that what is thrown at once and what is rejected later look the same. */
export const identifyWith = async (
  { identify }: Identity,
  token: string | undefined,
  address?: string,
): Promise<Principal> => identify(requestWith(token, address))

/** The status that it comes to: 200, that of the problem, or 503 for an outage. */
export const statusOf = (identity: Identity, token: string | undefined, address?: string): Promise<number> =>
  statusOfRequest(identity, requestWith(token, address))

export const statusOfRequest = async (
  { identify }: Identity,
  request: Pick<IncomingMessage, 'method' | 'headers'>,
): Promise<number> => {
  try {
    await identify({ socket: {}, ...request } as IncomingMessage)
    return 200
  } catch (error) {
    if (error instanceof ProblemError) return error.problem.status
    if (error instanceof Error && 'code' in error && error.code === 'IDENTITY_UNAVAILABLE') return 503
    throw error
  }
}
