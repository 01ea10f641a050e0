import {
  apiEnv,
  apiRules,
  integerSetting,
  kafkaEnv,
  mongoEnv,
  readConfig,
  readModelsEnv,
} from '@millrace/runtime'
import { z } from 'zod'

/** Every variable is on docs/configuration.md, which a test compares. */
export const configSchema = z.object({
  ...apiEnv({ port: 3000, adminPort: 9100 }),
  ...mongoEnv,
  ...readModelsEnv,
  ...kafkaEnv,
  /** Between two checks of read models against the log; a check rests nine times as long as it took, at least. 0: none. */
  CHECK_EVERY_MS: integerSetting({ min: 0 }).default(60_000),
})

export type Config = z.output<typeof configSchema>

export const loadConfig = (env = process.env): Config => readConfig(configSchema, env, apiRules)
