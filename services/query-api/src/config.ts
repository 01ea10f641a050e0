import { snapshotEnv } from '@millrace/aggregates'
import {
  apiEnv,
  apiRules,
  integerSetting,
  kafkaEnv,
  mongoEnv,
  readConfig,
  readModelsEnv,
} from '@millrace/runtime'
import { z } from 'zod'

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...apiEnv({ port: 3002, adminPort: 9103 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...snapshotEnv,
  /** Memory for the newest snapshots of aggregates that are asked for again and again. */
  SNAPSHOT_MEMORY_BYTES: integerSetting({ min: 0 }).default(0),
  SCHEMA_REGISTRY_URL: kafkaEnv.SCHEMA_REGISTRY_URL,
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, apiRules)
