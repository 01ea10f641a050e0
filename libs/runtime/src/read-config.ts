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

/** Parses the environment once; an empty variable counts as unset. Throws {@link ConfigError}. */
export const readConfig = <T>(schema: z.ZodType<T>, env: Record<string, string | undefined>): T => {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  )
  const parsed = schema.safeParse(given)
  if (parsed.success) return Object.freeze(parsed.data)
  throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
}

const port = (fallback: number) => z.coerce.number().int().min(0).max(65535).default(fallback)

const LOOPBACK = ['127.0.0.1', '::1', 'localhost']

/** What every service reads. Ports: 0 asks the system for a free one. */
export const serviceEnv = (defaults: { port: number; adminPort: number }) => ({
  HOST: z
    .string()
    .default('127.0.0.1')
    .refine((host) => LOOPBACK.includes(host), {
      error:
        'no identity provider can be configured yet, so only a loopback address is safe (127.0.0.1, ::1, localhost)',
    }),
  PORT: port(defaults.port),
  ADMIN_PORT: port(defaults.adminPort),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** How long a service may take to finish what it holds: below Kubernetes' 45 s grace of our manifests. */
  SHUTDOWN_TIMEOUT_MS: z.coerce.number().int().min(100).default(20_000),
})

export const mongoEnv = {
  MONGO_URL: z
    .string({ error: 'required, for example mongodb://127.0.0.1:27017/?replicaSet=rs0' })
    .startsWith('mongodb'),
  MONGO_DATABASE: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,38}$/)
    .default('millrace'),
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

export const identityEnv = {
  /** Bearer token of the development principal; without one, loopback callers are that principal. */
  DEV_TOKEN: z.string().min(16).optional(),
  /** Signs cursors and position tokens; every replica of every service has the same one. */
  TOKEN_SECRET: z.string({ error: 'required: at least 32 characters, the same for all services' }).min(32),
}
