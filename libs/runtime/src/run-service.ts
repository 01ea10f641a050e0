// What every service's main.ts does, once: read the environment (78 with all faults when it cannot be used), log,
// start what the service is, listen, and undo all of it in reverse order on SIGTERM. HTTP stops accepting first,
// what the service opened is closed after that, the admin port goes last so that probes see the whole way down.

import type { RequestListener } from 'node:http'
import { startAdminServer, type Health } from './admin-server.ts'
import { listen, type Listening, type Refusal, type SocketLimits } from './http/listen.ts'
import { createLogger, type LogLevel, type Logger } from './logger.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { messageOf } from './platform-error.ts'
import { ConfigError, EXIT_BAD_CONFIG } from './read-config.ts'
import { createShutdown, type Shutdown } from './shutdown.ts'

type ServiceConfig = {
  readonly HOST: string
  readonly PORT: number
  readonly ADMIN_PORT: number
  readonly LOG_LEVEL: LogLevel
  readonly NODE_ENV?: string | undefined
  readonly SHUTDOWN_TIMEOUT_MS: number
}

export type ServiceContext<Config> = {
  readonly config: Config
  readonly logger: Logger
  readonly metrics: Metrics
  readonly onStop: Shutdown['onStop']
  /** Ends the service because it cannot go on; the orchestrator starts it again. */
  fail(error: unknown): void
}

/** `handler` is undefined for a service without an HTTP API of its own. */
export type StartedService = {
  readonly handler?: RequestListener
  readonly sockets?: Partial<SocketLimits>
  readonly health: Health
}

type Identity<Config> = { name: string; loadConfig: () => Config; exit: (code: number) => void }

// Also for what only shows while starting, such as a name that the code does not know.
const exitCodeOf = (error: unknown): number => (error instanceof ConfigError ? EXIT_BAD_CONFIG : 1)

const readOrExit = <Config>({ name, loadConfig, exit }: Identity<Config>): Config | undefined => {
  try {
    return loadConfig()
  } catch (error) {
    process.stderr.write(`${name}: ${messageOf(error)}\n`)
    exit(exitCodeOf(error))
    return undefined
  }
}

const listenFor = async (
  { handler, sockets = {} }: StartedService,
  { HOST: host, PORT: port, NODE_ENV }: ServiceConfig,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): Promise<Listening | undefined> => {
  if (!handler) return undefined
  const refused = metrics.counter(
    'millrace_http_connections_refused_total',
    'Requests that ended before they had been understood, by the status of the answer; 503 had none',
    ['status'],
  )
  const onRefused = ({ status, requestId }: Refusal): void => {
    refused.inc({ status: String(status) })
    if (requestId !== undefined) logger.debug({ requestId, status }, 'request refused')
  }
  const isProduction = NODE_ENV === 'production'
  return listen(handler, { host, port, limits: sockets, isProduction, onRefused })
}

export const runService = async <Config extends ServiceConfig>(
  identity: Identity<Config>,
  start: (context: ServiceContext<Config>) => Promise<StartedService>,
): Promise<void> => {
  const config = readOrExit(identity)
  if (!config) return
  const logger = createLogger({ service: identity.name, level: config.LOG_LEVEL })
  const metrics = createMetrics(identity.name)
  const shutdown = createShutdown({ logger, timeoutMs: config.SHUTDOWN_TIMEOUT_MS, exit: identity.exit })
  const fail = (error: unknown): void => {
    logger.error({ err: error }, 'service cannot go on')
    void shutdown.stop(messageOf(error), exitCodeOf(error))
  }
  let health: Health | undefined
  try {
    const starting: Health = {
      live: () => true,
      ready: { start: () => Promise.reject(new Error('starting')) },
    }
    const admin = await startAdminServer({
      host: config.HOST,
      port: config.ADMIN_PORT,
      metrics,
      health: () => health ?? starting,
    })
    shutdown.onStop('admin', admin.close)
    const service = await start({ config, logger, metrics, onStop: shutdown.onStop, fail })
    const api = await listenFor(service, config, { logger, metrics })
    if (api) shutdown.onStop('http', api.close)
    health = service.health
    logger.info({ url: api?.url, admin: admin.url }, 'service started')
  } catch (error) {
    fail(error)
  }
}
