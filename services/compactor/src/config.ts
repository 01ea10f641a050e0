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
  /** So old is what a new reader of a table begins with, at most, when there are changes. */
  TABLE_SNAPSHOT_EVERY_MS: integerSetting({ min: 10, max: 3_600_000 }).default(30_000),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
