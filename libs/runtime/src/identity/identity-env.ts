import { z } from 'zod'
import { ConfigError, integerSetting, nodeEnv, type EnvRule } from '../read-config.ts'
import { PUBLIC_KEY_ALGORITHMS, SHARED_SECRET_BYTES } from './algorithms.ts'
import { readAtStart } from './revoked-tokens.ts'

/** Secrets that a development run makes begin with this: they are refused in production. */
export const DEVELOPMENT_MARK = 'dev-only-'

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']
export const isLoopback = (host: string): boolean => LOOPBACK.includes(host)

const ALGORITHMS = [...PUBLIC_KEY_ALGORITHMS, ...Object.keys(SHARED_SECRET_BYTES)]
const MIN_SECRET_BYTES = 32

const commaList = z.string().transform((list) => list.split(',').map((item) => item.trim()))
const setting = z.string().min(1).max(2_000).optional()

/** What decides who may come in. The rules between these variables are {@link identityRules}. */
export const identityEnv = {
  /** `production` refuses whatever is for development only. */
  NODE_ENV: nodeEnv,
  /** Bearer token of the development principal; without one, loopback callers are that principal. */
  DEV_TOKEN: z.string().min(16).optional(),
  /** Signs cursors and position tokens; every replica of every service has the same one. */
  TOKEN_SECRET: z.string({ error: 'required: at least 32 characters, the same for all services' }).min(32),
  /** Where the identity provider publishes its keys. The only address that is ever asked for a key. */
  JWKS_URL: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .refine((url) => new URL(url).username === '', { error: 'must not contain a user' })
    .optional(),
  /** Instead of JWKS_URL: the secret that the provider signs with. */
  JWT_SECRET: z
    .string()
    .refine((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES, {
      error: `must have at least ${MIN_SECRET_BYTES} bytes`,
    })
    .optional(),
  JWT_ISSUER: setting,
  JWT_AUDIENCE: setting,
  /** Signature algorithms, comma-separated; ES256, RS256 and EdDSA with JWKS_URL, HS256 with JWT_SECRET. */
  JWT_ALGORITHMS: commaList
    .refine((names) => names.every((name) => ALGORITHMS.includes(name)), {
      error: `must be of ${ALGORITHMS.join(', ')}`,
    })
    .optional(),
  /** Header `typ` of access tokens, comma-separated; other tokens of the provider are none. */
  JWT_TYPE: commaList
    .refine((types) => !types.includes(''), { error: 'must name types, comma-separated' })
    .default(['at+jwt']),
  JWT_TENANT_CLAIM: z.string().min(1).max(200).default('tenant'),
  /** Keys are asked for again after half of this; without an answer they are good until its end. */
  JWKS_MAX_AGE_SECONDS: integerSetting({ min: 60, max: 86_400 }).default(600),
  /** One `jti` a line; read again when the file changes. */
  REVOKED_TOKENS_FILE: setting,
  /** Tokens from one address that may fail at once, and how many more each minute; above it is 429. */
  AUTH_FAILURES_BURST: integerSetting({ min: 1, max: 100_000 }).default(50),
  AUTH_FAILURES_PER_MINUTE: integerSetting({ min: 1, max: 1_000_000 }).default(60),
}

type Env = Parameters<EnvRule>[0]
const isSet = (env: Env, name: string): boolean => env[name] !== undefined
const isProduction = (env: Env): boolean => env['NODE_ENV'] === 'production'
const hasProvider = (env: Env): boolean => isSet(env, 'JWKS_URL') || isSet(env, 'JWT_SECRET')

const NEED_PROVIDER = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_ALGORITHMS', 'JWT_TYPE', 'JWT_TENANT_CLAIM']
const NEEDED_BY_PROVIDER = ['JWT_ISSUER', 'JWT_AUDIENCE']

const withoutProvider = (env: Env): string[] => [
  ...[...NEED_PROVIDER, 'REVOKED_TOKENS_FILE']
    .filter((name) => isSet(env, name))
    .map((name) => `${name}: means nothing without JWKS_URL or JWT_SECRET`),
  ...(isLoopback(env['HOST'] ?? 'localhost')
    ? []
    : [
        'HOST: without an identity provider (JWKS_URL or JWT_SECRET) only a loopback address is safe (127.0.0.1, ::1, localhost)',
      ]),
]

const withProvider = (env: Env): string[] => [
  ...NEEDED_BY_PROVIDER.filter((name) => !isSet(env, name)).map(
    (name) => `${name}: required with JWKS_URL or JWT_SECRET`,
  ),
  ...(isSet(env, 'JWKS_URL') && isSet(env, 'JWT_SECRET') ? ['JWT_SECRET: not together with JWKS_URL'] : []),
  ...(isSet(env, 'DEV_TOKEN') && !isProduction(env)
    ? ['DEV_TOKEN: not together with an identity provider']
    : []),
  ...algorithmFaults(env),
  ...revokedTokensFaults(env['REVOKED_TOKENS_FILE']),
]

const algorithmFaults = (env: Env): string[] =>
  (env['JWT_ALGORITHMS'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .flatMap((name) => {
      const bytes = SHARED_SECRET_BYTES[name]
      if (PUBLIC_KEY_ALGORITHMS.includes(name))
        return isSet(env, 'JWKS_URL') ? [] : [`JWT_ALGORITHMS: ${name} needs JWKS_URL`]
      if (bytes === undefined) return []
      if (isSet(env, 'JWKS_URL')) return [`JWT_ALGORITHMS: ${name} is never used with JWKS_URL`]
      return Buffer.byteLength(env['JWT_SECRET'] ?? '') < bytes
        ? [`JWT_SECRET: ${name} needs at least ${bytes} bytes`]
        : []
    })

const revokedTokensFaults = (path: string | undefined): readonly string[] => {
  try {
    if (path !== undefined) readAtStart(path)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const inProduction = (env: Env): string[] => [
  ...(hasProvider(env) ? [] : ['JWKS_URL: production needs an identity provider (JWKS_URL or JWT_SECRET)']),
  ...(isSet(env, 'DEV_TOKEN') ? ['DEV_TOKEN: is for development only'] : []),
  ...(/^http:/i.test(env['JWKS_URL'] ?? '') ? ['JWKS_URL: must be https in production'] : []),
  ...['TOKEN_SECRET', 'JWT_SECRET']
    .filter((name) => env[name]?.startsWith(DEVELOPMENT_MARK))
    .map((name) => `${name}: is a secret of a development run`),
]

/** Faults between the variables of {@link identityEnv}, and what production refuses of them. */
export const identityRules: EnvRule = (env) => [
  ...(hasProvider(env) ? withProvider(env) : withoutProvider(env)),
  ...(isProduction(env) ? inProduction(env) : []),
]
