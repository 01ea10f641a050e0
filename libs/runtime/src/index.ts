export { startAdminServer, type Health } from './admin-server.ts'
export { backoffMs, pause } from './backoff.ts'
export { changefeedsEnv, type ChangefeedRoute } from './changefeeds-env.ts'
export { countWithin } from './count-within.ts'
export { openDoor } from './http/open-door.ts'
export { parseTraceparent } from './http/trace-context.ts'
export { schemaFaults } from './http/parse-as.ts'
export { listen, type Listening } from './http/listen.ts'
export { parseQuery } from './http/parse-query.ts'
export { wholeNumber, wholeNumberOr } from './http/whole-number.ts'
export { ProblemError, problems, type FieldFault, type Problem } from './http/problem.ts'
export {
  defineRoute,
  type Call,
  type HttpMethod,
  type ProblemRule,
  type Reply,
  type ReplyRule,
  type Route,
} from './http/route.ts'
export { requireScope } from './identity/authorize.ts'
export type { Identity } from './identity/identify.ts'
export { DEVELOPMENT_MARK, identityEnv } from './identity/identity-env.ts'
export { EVERY_SCOPE, allows, type Principal } from './identity/principal.ts'
export { scopeTable, scopesOf, writeScope, type Scope } from './identity/scopes.ts'
export { createLogger, silentLogger, type LogLevel, type Logger } from './logger.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { newId } from './new-id.ts'
export type { OpenApiDocument } from './openapi/document.ts'
export { toOpenApi } from './openapi/to-open-api.ts'
export { PlatformError, isRetryable, messageOf } from './platform-error.ts'
export {
  ConfigError,
  EXIT_BAD_CONFIG,
  doorEnv,
  integerSetting,
  kafkaEnv,
  mongoEnv,
  readConfig,
  readModelsEnv,
  type EnvRule,
} from './read-config.ts'
export { runService, type ServiceContext, type StartedService } from './run-service.ts'
export { apiEnv, apiRules, serviceEnv, workerRules } from './service-env.ts'
export { createShutdown, type Shutdown } from './shutdown.ts'
export { positionTokens, type Position, type PositionTokens, type RecordsPosition } from './position-token.ts'
export { createTokenSigner, type TokenScope, type TokenSigner } from './signed-token.ts'
export { makeWaitingLine, type WaitingLine } from './waiting-line.ts'
