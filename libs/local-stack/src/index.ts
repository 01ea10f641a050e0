export { URL_VARIABLES } from './check-url.ts'
export { readCacheDir } from './config.ts'
export { choosePort, isPortFree, LOOPBACK, type PortWish } from './free-port.ts'
export { LocalStackError, type LocalStackErrorCode } from './local-stack-error.ts'
export { identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts'
export { renderProgress, type ProgressRenderer } from './progress.ts'
export {
  DEFAULT_PORTS,
  startLocalStack,
  type LocalStack,
  type LocalStackOptions,
} from './start-local-stack.ts'
export type {
  Env,
  Guard,
  Memory,
  OnProgress,
  Origin,
  Progress,
  Role,
  ServerEvent,
  StackLogger,
} from './stack-types.ts'
export { startWarden, type Warden, type WardenOptions } from './start-warden.ts'
export {
  DEFAULT_BACKOFF,
  superviseProcess,
  type Backoff,
  type ProcessExit,
  type ProcessSpec,
  type ProcessState,
  type ReadyCheck,
  type SupervisedProcess,
} from './supervise-process.ts'
