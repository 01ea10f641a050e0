import { identityRules, isLoopback } from './identity/identity-env.ts'
import { productionRules } from './production-rules.ts'
import type { EnvRule } from './read-config.ts'

/** Only its admin port listens, which asks nobody who it is: fine in a cluster, not on a developer's network. */
const workerHost: EnvRule = (env) =>
  env['NODE_ENV'] === 'production' || isLoopback(env['HOST'] ?? 'localhost')
    ? []
    : ['HOST: outside production only a loopback address is safe (127.0.0.1, ::1, localhost)']

/** For a service with an HTTP API, beside `identityEnv`. */
export const apiRules: readonly EnvRule[] = [productionRules, identityRules]

/** For a service that only has an admin port. */
export const workerRules: readonly EnvRule[] = [productionRules, workerHost]
