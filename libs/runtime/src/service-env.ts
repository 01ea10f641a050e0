import { z } from 'zod'
import { identityEnv, identityRules, isLoopback } from './identity/identity-env.ts'
import { productionRules } from './production-rules.ts'
import { doorEnv, integerSetting, nodeEnv, type EnvRule } from './read-config.ts'

type Ports = { readonly port: number; readonly adminPort: number }

const port = (fallback: number) => integerSetting({ min: 0, max: 65_535 }).default(fallback)

/** What every service reads. Ports: 0 asks the system for a free one. */
export const serviceEnv = (defaults: Ports) => ({
  NODE_ENV: nodeEnv,
  HOST: z.string().default('127.0.0.1'),
  PORT: port(defaults.port),
  ADMIN_PORT: port(defaults.adminPort),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** How long a service may take to finish what it holds: below Kubernetes' 45 s grace of our manifests. */
  SHUTDOWN_TIMEOUT_MS: integerSetting({ min: 100 }).default(20_000),
})

/** What a service with an HTTP API reads: who may come in, and what it takes upon itself. */
export const apiEnv = (defaults: Ports) => ({ ...serviceEnv(defaults), ...identityEnv, ...doorEnv })

/** For a service that reads {@link apiEnv}. */
export const apiRules: readonly EnvRule[] = [productionRules, identityRules]

/** Only its admin port listens, which asks nobody who it is: fine in a cluster, not on a developer's network. */
const workerHost: EnvRule = (env) =>
  env['NODE_ENV'] === 'production' || isLoopback(env['HOST'] ?? 'localhost')
    ? []
    : ['HOST: outside production only a loopback address is safe (127.0.0.1, ::1, localhost)']

/** For a service that only has an admin port. */
export const workerRules: readonly EnvRule[] = [productionRules, workerHost]
