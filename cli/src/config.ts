import { readConfig, mongoEnv } from '@millrace/runtime'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Root of the clone that this command line belongs to. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const optionalUrl = z.string().min(1).optional()

const schema = z.object({
  /** Where a development run keeps its data, logs and run.json. */
  MILLRACE_HOME: z.string().default(`${ROOT}.millrace`),
  KAFKA_BROKERS: optionalUrl,
  MONGO_URL: optionalUrl,
  SCHEMA_REGISTRY_URL: optionalUrl,
  MONGO_DATABASE: mongoEnv.MONGO_DATABASE,
  /** 3 for a production cluster of three brokers or more. */
  KAFKA_REPLICATION_FACTOR: z.coerce.number().int().min(1).max(9).default(1),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env)

/** For child processes: they inherit what the user has set. */
export const inheritedEnv = (): Readonly<Record<string, string | undefined>> => process.env

/** Bearer token for `--url`. */
export const readToken = (env = process.env): string | undefined => env['MILLRACE_TOKEN']
