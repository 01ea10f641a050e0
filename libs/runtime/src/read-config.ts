import { z } from 'zod'

/** Sysexits EX_CONFIG: what a service ends with when its environment cannot be used. */
export const EXIT_BAD_CONFIG = 78

/** Every fault of the environment at once, one line each, naming the variable. */
export class ConfigError extends Error {
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(`the environment cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}

type Env = Readonly<Record<string, string | undefined>>

/** Faults of several variables together, as `NAME: what is wrong`; never with the value of a secret. */
export type EnvRule = (env: Env) => readonly string[]

/**
 * Parses the environment once; an empty variable counts as unset. Throws {@link ConfigError} with the faults of the
 * fields and of the rules together.
 */
export const readConfig = <T>(schema: z.ZodType<T>, env: Env, rules: readonly EnvRule[] = []): T => {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = schema.safeParse(given)
  const between = rules.flatMap((rule) => rule(given))
  if (parsed.success && between.length === 0) return Object.freeze(parsed.data)
  const issues = parsed.error?.issues ?? []
  const ofFields = issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new ConfigError([...new Set([...ofFields, ...between])])
}

/** A number of the environment; a fault says what it has to be. Both bounds are included. */
export const integerSetting = ({ min, max }: { min: number; max?: number }) => {
  const range = max === undefined ? `, at least ${min}` : ` from ${min} to ${max}`
  const error = `must be a whole number${range}`
  return z.coerce
    .number({ error })
    .int({ error })
    .min(min, { error })
    .max(max ?? Number.MAX_SAFE_INTEGER, { error })
}

const ENVIRONMENTS = ['production', 'development', 'test']

/** Any other one is refused: `Production` or `prod` would quietly be a development run, which is open to all. */
export const nodeEnv = z
  .string()
  .refine((name) => ENVIRONMENTS.includes(name), {
    error: 'must be production, development or test, in lower case, or unset',
  })
  .optional()

export const mongoEnv = {
  MONGO_URL: z
    .string({ error: 'required, for example mongodb://127.0.0.1:27017/?replicaSet=rs0' })
    .startsWith('mongodb'),
  MONGO_DATABASE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,38}$/)
    .default('millrace'),
}

/** Where the read models live, when that is not where the events do. */
export const readModelsEnv = {
  READ_MODELS_URL: z.string().startsWith('mongodb').optional(),
  READ_MODELS_DATABASE: mongoEnv.MONGO_DATABASE.unwrap().optional(),
}

export const kafkaEnv = {
  KAFKA_BROKERS: z
    .string({ error: 'required: host:port[,host:port]' })
    .transform((list) => list.split(',').map((broker) => broker.trim()))
    .refine((brokers) => brokers.every((broker) => /^\S+:\d{1,5}$/.test(broker)), {
      error: 'must be host:port[,host:port]',
    }),
  SCHEMA_REGISTRY_URL: z.url({ error: 'required: the Confluent API root of the schema registry' }),
}

const count = (fallback: number) => integerSetting({ min: 1 }).default(fallback)
const milliseconds = (fallback: number) => integerSetting({ min: 100, max: 3_600_000 }).default(fallback)

/** What a service takes upon itself that listens for requests. All limits are of one replica. */
export const doorEnv = {
  /** Of one principal; below what one replica can serve, far above what one client needs. */
  RATE_LIMIT_PER_SECOND: count(5_000),
  /** How many requests a principal may save up, in the time it makes none. */
  RATE_LIMIT_BURST: count(10_000),
  /** Beyond these a request is answered 503 at once: its place in a longer line would come too late. */
  MAX_REQUESTS_UNDER_WAY: count(2_000),
  /** Bodies of all requests under way; parsed they take up to twenty times that. */
  MAX_BODY_BYTES_UNDER_WAY: integerSetting({ min: 1_048_576 }).default(67_108_864),
  /** Of those, what one principal may have: a quarter, or a few could shut out all others. */
  MAX_REQUESTS_PER_PRINCIPAL: count(500),
  MAX_BODY_BYTES_PER_PRINCIPAL: integerSetting({ min: 1_048_576 }).default(16_777_216),
  MAX_CONNECTIONS: count(10_000),
  HEADERS_TIMEOUT_MS: milliseconds(10_000),
  REQUEST_TIMEOUT_MS: milliseconds(15_000),
  /** Longer than the proxy in front keeps its connections, or it meets closed ones. */
  KEEP_ALIVE_TIMEOUT_MS: milliseconds(65_000),
  /** How long an answer may wait for a client that does not read it. */
  ANSWER_TIMEOUT_MS: milliseconds(30_000),
  /** From the whole request, body and all, to its answer, for routes that do not say otherwise. */
  DEADLINE_MS: milliseconds(30_000),
}
