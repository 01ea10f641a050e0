import { snapshotEnv } from '@millrace/aggregates'
import { integerSetting, kafkaEnv, mongoEnv, readConfig, serviceEnv, workerRules } from '@millrace/runtime'
import { z } from 'zod'

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9104 }),
  ...mongoEnv,
  ...kafkaEnv,
  ...snapshotEnv,
  /** Streams that are folded at the same time; each takes a page of events into memory, at most 32 MiB. */
  SNAPSHOT_CONCURRENCY: integerSetting({ min: 1, max: 64 }).default(4),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
