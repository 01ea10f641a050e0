import { findProjection, isFed, type AnyProjection } from '@millrace/domain'
import { kafkaEnv, mongoEnv, readConfig, readModelsEnv, serviceEnv, workerRules } from '@millrace/runtime'
import { z } from 'zod'

const asynchronous = (name: string, context: z.RefinementCtx): AnyProjection => {
  const projection = findProjection(name)
  if (projection && isFed(projection)) return projection
  const message = projection
    ? `${name} is ${projection.kind}: no projector keeps it`
    : `there is no projection ${JSON.stringify(name)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9102 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...kafkaEnv,
  /** Names of the projections this instance builds, comma-separated; all when unset. */
  PROJECTIONS: z
    .string()
    .transform((list, context) => list.split(',').map((name) => asynchronous(name.trim(), context)))
    .optional(),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
