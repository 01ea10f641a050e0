import {
  changefeedsEnv,
  integerSetting,
  readConfig,
  mongoEnv,
  readModelsEnv,
  type EnvRule,
} from '@millrace/runtime'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Root of the clone that this command line belongs to. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const optionalUrl = z.string().min(1).optional()

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  /** Where a development run keeps its data, logs and run.json. */
  MILLRACE_HOME: z.string().default(`${ROOT}.millrace`),
  KAFKA_BROKERS: optionalUrl,
  MONGO_URL: optionalUrl,
  SCHEMA_REGISTRY_URL: optionalUrl,
  MONGO_DATABASE: mongoEnv.MONGO_DATABASE,
  ...readModelsEnv,
  /** `setup` makes the topics of changefeeds. */
  ...changefeedsEnv,
  /** 3 for a production cluster of three brokers or more. */
  KAFKA_REPLICATION_FACTOR: integerSetting({ min: 1, max: 9 }).default(1),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Bearer token for `--url`, and for a development stack with an identity provider. */
  MILLRACE_TOKEN: z.string().optional(),
  /** Of the services, which check them: with one of them, callers need a token of that provider. */
  JWKS_URL: z.string().optional(),
  JWT_SECRET: z.string().optional(),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env)

const developmentOnly: EnvRule = ({ NODE_ENV: name = 'development' }) =>
  ['development', 'test'].includes(name)
    ? []
    : [
        `NODE_ENV: \`npm start\` is for development and makes secrets of its own, so not with ${JSON.stringify(name)}; docs/configuration.md has how to run the services in production`,
      ]

/** For `millrace start`, which no production may be. */
export const loadStartConfig = (env = process.env): Config => readConfig(configSchema, env, [developmentOnly])

/** For child processes: they inherit what the user has set. */
export const inheritedEnv = (): Readonly<Record<string, string | undefined>> => process.env
