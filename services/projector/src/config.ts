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
export type Kept =
  | { readonly type: 'projection'; readonly projection: AnyProjection }
  | { readonly type: 'table'; readonly table: AnyTable }

const keptNamed = (name: string, context: z.RefinementCtx): Kept => {
  const table = findTable(name)
  if (table) return { type: 'table', table }
  const projection = findProjection(name)
  if (projection && isFed(projection)) return { type: 'projection', projection }
  const message = projection
    ? `${name} is ${projection.kind}: no projector keeps it`
    : `there is no projection or table ${JSON.stringify(name)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

/** Where nothing is chosen. */
export const keptByAll: readonly Kept[] = [
  ...projections.filter(isFed).map((projection) => ({ type: 'projection', projection }) as const),
  ...tables.map((table) => ({ type: 'table', table }) as const),
]

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9102 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...kafkaEnv,
  /** Names of the projections and tables that this instance keeps, comma-separated; all when unset. */
  PROJECTIONS: z
    .string()
    .transform((list, context) => list.split(',').map((name) => keptNamed(name.trim(), context)))
    .optional(),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
