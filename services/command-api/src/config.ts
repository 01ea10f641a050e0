import { snapshotEnv } from '@millrace/aggregates'
import { apiRules, doorEnv, identityEnv, kafkaEnv, mongoEnv, readConfig, serviceEnv } from '@millrace/runtime'
import { z } from 'zod'

const schema = z.object({
  ...serviceEnv({ port: 3001, adminPort: 9101 }),
  ...mongoEnv,
  ...kafkaEnv,
  ...identityEnv,
  ...doorEnv,
  ...snapshotEnv,
  /** Memory for the states of aggregates in use, in bytes. */
  STATE_CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(64 * 1024 * 1024),
  /** A shard of a relay that died is taken over after this long. */
  RELAY_LEASE_MS: z.coerce.number().int().min(500).default(5_000),
  /** How often a shard looks for commits of other replicas; its own replica's commits wake it at once. */
  RELAY_POLL_MS: z.coerce.number().int().min(10).default(250),
})

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env, apiRules)
