import { identityEnv, mongoEnv, readConfig, serviceEnv } from '@millrace/runtime'
import { z } from 'zod'

const schema = z.object({ ...serviceEnv({ port: 3002, adminPort: 9103 }), ...mongoEnv, ...identityEnv })

export type Config = z.output<typeof schema>

export const loadConfig = (env = process.env): Config => readConfig(schema, env)
