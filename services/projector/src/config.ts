import { kafkaEnv, mongoEnv, readConfig, serviceEnv, workerRules } from '@millrace/runtime'
import { z } from 'zod'

const schema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9102 }),
  ...mongoEnv,
  ...kafkaEnv,
  /** Names of the projections this instance builds, comma-separated; all when unset. */
  PROJECTIONS: z
    .string()
    .transform((list) => list.split(',').map((name) => name.trim()))
    .optional(),
})

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env, workerRules)
