/**
 * Kafka, MongoDB and a schema registry for development and tests, from wherever this machine has them.
 *
 *   openDataDir ─► startWarden ─► the three roles at the same time ─► remember ports ─► LocalStack
 *
 * If one role fails, the others are cancelled and ended before the error is thrown: either everything runs or
 * nothing does. Whatever happens to this process, the warden ends the servers.
 */
import { EventEmitter } from 'node:events'
import { inheritedEnv, readCacheDir } from './config.ts'
import { openDataDir, type DataDir } from './data-dir.ts'
import { hasEngine } from './docker/find-engine.ts'
import { isAborted } from './local-stack-error.ts'
import { chooseOrigin, startRole } from './resolve-role.ts'
import { makePorts, type StackContext } from './stack-context.ts'
import {
  ROLES,
  type Env,
  type Memory,
  type OnProgress,
  type Origin,
  type Role,
  type ServerEvent,
  type StackLogger,
  type StartedRole,
} from './stack-types.ts'
import { startWarden, type Warden } from './start-warden.ts'

export type LocalStackOptions = {
  /** Where data stays over restarts; not used when ephemeral. */
  readonly dataDir: string
  /** Data in a temporary directory that is removed at the end; any ports. */
  readonly ephemeral?: boolean
  readonly cacheDir?: string
  /** Servers that are there already. */
  readonly urls?: Readonly<Partial<Record<Role, string | undefined>>>
  /** Taken if free. */
  readonly ports?: Readonly<Partial<Record<Role, number>>>
  readonly memory?: Partial<Memory>
  readonly onProgress?: OnProgress
  readonly logger: StackLogger
  readonly env?: Env
  /** Cancels the start and ends what it began. */
  readonly signal?: AbortSignal
}

export type LocalStack = {
  readonly urls: Readonly<Record<Role, string>>
  readonly origin: Readonly<Record<Role, Origin>>
  /** Server processes that died or were started again; returns how to stop listening. */
  onServerEvent(listener: (event: ServerEvent) => void): () => void
  stop(): Promise<void>
}

export const DEFAULT_PORTS: Readonly<Record<Role, number>> = { kafka: 9092, mongo: 27017, registry: 8081 }
const DEFAULT_MEMORY: Memory = { kafkaMinMb: 256, kafkaMaxMb: 512, registryMaxMb: 384, mongoCacheGb: 1 }
const EPHEMERAL_MEMORY: Memory = { ...DEFAULT_MEMORY, mongoCacheGb: 0.5 }
/** Longer than a server of the stack needs to end in order. */
const WARDEN_GRACE_MS = 10_000

export const startLocalStack = async (options: LocalStackOptions): Promise<LocalStack> => {
  const env = options.env ?? inheritedEnv()
  const isEphemeral = options.ephemeral ?? false
  const dataDir = await openDataDir({ dataDir: options.dataDir, ephemeral: isEphemeral })
  const warden = startWarden({
    env,
    graceMs: isEphemeral ? 0 : WARDEN_GRACE_MS,
    ...(isEphemeral && { removeAtEnd: dataDir.path }),
  })
  const ports = makePorts(
    dataDir,
    isEphemeral ? (options.ports ?? {}) : { ...DEFAULT_PORTS, ...options.ports },
  )
  const events = new EventEmitter<{ server: [ServerEvent] }>()
  const failed = new AbortController()
  const context = makeContext({
    options,
    env,
    dataDir,
    warden,
    events,
    ports: ports.ports,
    failed: failed.signal,
  })
  const close = async (): Promise<void> => {
    await warden.close()
    await dataDir.close()
    ports.giveBack()
  }
  try {
    const roles = await startRoles(options, context, failed)
    await dataDir.rememberRun({ ports: ports.all(), origins: originsOf(roles, dataDir) })
    return makeStack(roles, events, close)
  } catch (error) {
    await close()
    throw error
  }
}

type ContextParts = {
  readonly options: LocalStackOptions
  readonly env: Env
  readonly dataDir: DataDir
  readonly warden: Warden
  readonly events: EventEmitter<{ server: [ServerEvent] }>
  readonly ports: StackContext['ports']
  readonly failed: AbortSignal
}

const makeContext = ({
  options,
  env,
  dataDir,
  warden,
  events,
  ports,
  failed,
}: ContextParts): StackContext => ({
  dataDir,
  cacheDir: options.cacheDir ?? readCacheDir(env),
  env,
  guards: [warden, dataDir.guard],
  logger: options.logger,
  onProgress: options.onProgress ?? (() => {}),
  onServerEvent: (event) => events.emit('server', event),
  memory: { ...(dataDir.isEphemeral ? EPHEMERAL_MEMORY : DEFAULT_MEMORY), ...options.memory },
  ports,
  signal: options.signal ? AbortSignal.any([options.signal, failed]) : failed,
})

type StartedRoles = Readonly<Record<Role, StartedRole>>

/** Throws the first error once everything else that had been started is ended. */
const startRoles = async (
  { urls = {} }: LocalStackOptions,
  context: StackContext,
  failed: AbortController,
): Promise<StartedRoles> => {
  const { origins } = context.dataDir.lastRun
  const mayUseEngine = ROLES.some((role) => !urls[role] && origins[role] !== 'process')
  const engine = mayUseEngine && (await hasEngine(context.env, context.logger))
  const errors: unknown[] = []
  const start = async (role: Role): Promise<readonly [Role, StartedRole] | null> => {
    try {
      const url = urls[role]
      const origin = chooseOrigin({ url, hasEngine: engine, last: origins[role] })
      if (origin === 'process' && origins[role] === 'docker') {
        context.logger.warn(
          { role },
          'data of the last run is in Docker, which does not answer: starting without it',
        )
      }
      return [role, await startRole(role, { origin, url }, context)]
    } catch (error) {
      errors.push(error)
      failed.abort(error)
      return null
    }
  }
  const [kafka, mongo, registry] = await Promise.all([start('kafka'), start('mongo'), start('registry')])
  if (kafka && mongo && registry && !isAborted(context.signal)) {
    return { kafka: kafka[1], mongo: mongo[1], registry: registry[1] }
  }
  await Promise.all([kafka, mongo, registry].map(async (started) => started?.[1].stop()))
  throw errors[0] ?? context.signal.reason
}

/** A given URL says nothing about the data that is here. */
const originsOf = (roles: StartedRoles, { lastRun }: DataDir): DataDir['lastRun']['origins'] =>
  Object.fromEntries(
    ROLES.map((role) => [role, roles[role].origin === 'url' ? lastRun.origins[role] : roles[role].origin]),
  )

const makeStack = (
  roles: StartedRoles,
  events: EventEmitter<{ server: [ServerEvent] }>,
  close: () => Promise<void>,
): LocalStack => {
  const { kafka, mongo, registry } = roles
  const stopAll = async (): Promise<void> => {
    await Promise.all([kafka.stop(), mongo.stop(), registry.stop()])
    await close()
  }
  let stopped: Promise<void> | null = null
  return {
    urls: { kafka: kafka.url, mongo: mongo.url, registry: registry.url },
    origin: { kafka: kafka.origin, mongo: mongo.origin, registry: registry.origin },
    onServerEvent(listener) {
      events.on('server', listener)
      return () => void events.off('server', listener)
    },
    stop: () => (stopped ??= stopAll()),
  }
}
