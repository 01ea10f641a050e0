import {
  findProjection,
  findTable,
  isFed,
  projections,
  tables,
  type AnyProjection,
  type AnyTable,
} from '@millrace/domain'
import { kafkaEnv, mongoEnv, readConfig, readModelsEnv, serviceEnv, workerRules } from '@millrace/runtime'
import { z } from 'zod'

/** What a projector keeps. */
export type Kept = { readonly projections: readonly AnyProjection[]; readonly tables: readonly AnyTable[] }

const fedProjection = (name: string, context: z.RefinementCtx): AnyProjection => {
  const projection = findProjection(name)
  if (projection && isFed(projection)) return projection
  const message = projection
    ? `${name} is ${projection.kind}: no projector keeps it`
    : `there is no projection or table ${JSON.stringify(name)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

const keptNamed = (names: readonly string[], context: z.RefinementCtx): Kept => ({
  tables: names.flatMap((name) => findTable(name) ?? []),
  projections: names.filter((name) => !findTable(name)).map((name) => fedProjection(name, context)),
})

/** Where nothing is chosen. */
export const keptByAll: Kept = { projections: projections.filter(isFed), tables }

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9102 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...kafkaEnv,
  /** Names of the projections and tables that this instance keeps, comma-separated; all when unset. */
  PROJECTIONS: z
    .string()
    .transform((list, context) =>
      keptNamed(
        list.split(',').map((name) => name.trim()),
        context,
      ),
    )
    .optional(),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
