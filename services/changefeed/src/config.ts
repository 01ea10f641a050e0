import { findProjection } from '@millrace/domain'
import {
  changefeedsEnv,
  integerSetting,
  kafkaEnv,
  mongoEnv,
  readConfig,
  readModelsEnv,
  serviceEnv,
  workerRules,
  type ChangefeedRoute,
} from '@millrace/runtime'
import { z } from 'zod'
import type { Feed } from './feed.ts'

const OF_COLLECTION = 'collection:'

const WHY_NOT = {
  grouped: 'its documents are partials, which are merged when they are read',
  inline: 'its documents lie with the events, and change with their commits',
  'on-demand': 'its documents are kept nowhere',
}

const toFeed = ({ source, topic }: ChangefeedRoute, context: z.RefinementCtx): Feed => {
  if (source.startsWith(OF_COLLECTION))
    return { name: source, topic, source: { type: 'collection', name: source.slice(OF_COLLECTION.length) } }
  const projection = findProjection(source)
  if (projection?.kind === 'per-aggregate')
    return { name: source, topic, source: { type: 'read-model', name: source, version: projection.version } }
  const message = projection
    ? `${source} is ${projection.kind}: ${WHY_NOT[projection.kind]}`
    : `there is no read model ${JSON.stringify(source)}`
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...serviceEnv({ port: 0, adminPort: 9105 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...kafkaEnv,
  /** What is published, and where: SOURCE=TOPIC, comma-separated. */
  CHANGEFEEDS: changefeedsEnv.CHANGEFEEDS.transform((routes, context) =>
    routes.map((route) => toFeed(route, context)),
  ),
  /** A feed whose holder died is taken over after this long. */
  CHANGEFEED_LEASE_MS: integerSetting({ min: 500 }).default(5_000),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, workerRules)
