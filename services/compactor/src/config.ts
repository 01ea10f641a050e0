import { snapshotEnv } from '@millrace/aggregates'
import { kafkaEnv, mongoEnv, readConfig, serviceEnv, workerRules } from '@millrace/runtime'
import { z } from 'zod'

const schema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9104 }),
  ...mongoEnv,
  ...kafkaEnv,
  ...snapshotEnv,
  /** Streams that are folded at the same time; each takes a page of events into memory, at most 32 MiB. */
  SNAPSHOT_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(4),
})

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env, workerRules)
