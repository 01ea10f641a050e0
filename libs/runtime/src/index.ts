export { startAdminServer, type Health } from './admin-server.ts'
export { backoffMs, pause } from './backoff.ts'
export { MAX_BODY_BYTES, createDoor, type DoorOptions } from './http/door.ts'
export { developmentIdentity } from './http/identity.ts'
export { parseAs } from './http/json-body.ts'
export { listen, type Listening } from './http/listen.ts'
export type { Principal } from './http/principal.ts'
export { parseQuery } from './http/parse-query.ts'
export { ProblemError, problemReply, problems, type FieldFault, type Problem } from './http/problem.ts'
export type { Call, HttpMethod, Reply, Route } from './http/route.ts'
export { createLogger, silentLogger, type LogLevel, type Logger } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { newId } from './new-id.ts'
export { PlatformError, isRetryable, messageOf } from './platform-error.ts'
export {
  ConfigError,
  EXIT_BAD_CONFIG,
  identityEnv,
  kafkaEnv,
  mongoEnv,
  readConfig,
  serviceEnv,
} from './read-config.ts'
export { runService, type ServiceContext, type StartedService } from './run-service.ts'
export { createShutdown, type Shutdown } from './shutdown.ts'
export { positionTokens, type PositionTokens } from './position-token.ts'
export { createTokenSigner, type TokenScope, type TokenSigner } from './signed-token.ts'
