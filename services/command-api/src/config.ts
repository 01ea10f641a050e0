import { snapshotEnv } from '@millrace/aggregates'
import { apiEnv, apiRules, integerSetting, kafkaEnv, mongoEnv, readConfig } from '@millrace/runtime'
import { z } from 'zod'

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...apiEnv({ port: 3001, adminPort: 9101 }),
  ...mongoEnv,
  ...kafkaEnv,
  ...snapshotEnv,
  /** Memory for the states of aggregates in use, in bytes. */
  STATE_CACHE_BYTES: integerSetting({ min: 1 }).default(64 * 1024 * 1024),
  /** A shard of a relay that died is taken over after this long. */
  RELAY_LEASE_MS: integerSetting({ min: 500 }).default(5_000),
  /** How often a shard looks for commits of other replicas; its own replica's commits wake it at once. */
  RELAY_POLL_MS: integerSetting({ min: 10 }).default(250),
  /** How often a tick is written into each partition of heartbeat.received, so that its clock goes on. 0: never. */
  TICK_EVERY_MS: integerSetting({ min: 0, max: 5_000 }).default(5_000),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, apiRules)
