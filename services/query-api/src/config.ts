import { snapshotEnv } from '@millrace/aggregates'
import { apiRules, doorEnv, identityEnv, kafkaEnv, mongoEnv, readConfig, serviceEnv } from '@millrace/runtime'
import { z } from 'zod'

const schema = z.object({
  ...serviceEnv({ port: 3002, adminPort: 9103 }),
  ...mongoEnv,
  ...identityEnv,
  ...doorEnv,
  ...snapshotEnv,
  /** Memory for the newest snapshots of aggregates that are asked for again and again. */
  SNAPSHOT_MEMORY_BYTES: z.coerce.number().int().min(0).default(0),
  SCHEMA_REGISTRY_URL: kafkaEnv.SCHEMA_REGISTRY_URL,
})

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env, apiRules)
