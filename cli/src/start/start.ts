// `npm start`: servers, set-up, services, agent, in this order; each waits for the one before. Whatever ends us,
// Ctrl-C, a fault or SIGKILL, nothing of it stays behind: in order through `stop`, otherwise through the warden.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  startLocalStack,
  startWarden,
  renderProgress,
  type LocalStack,
  type SupervisedProcess,
} from '@millrace/local-stack'
import { silentLogger, type Logger } from '@millrace/runtime'
import { inheritedEnv, type Config } from '../config.ts'
import { refuseIfRunning, removeRun, writeRun, type Run } from '../run-file.ts'
import { foldingBar } from '../setup/folding-bar.ts'
import { setUp } from '../setup/setup.ts'
import { loadDevSecrets } from './dev-secrets.ts'
import { identityOfRun, type RunIdentity } from './run-identity.ts'
import { runService, type RunOptions } from './run-service.ts'
import { planAgent, planServices, type ServiceSpec } from './service-specs.ts'

export type StartOptions = {
  readonly config: Config
  readonly ephemeral: boolean
  readonly agent: boolean
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export type Started = { readonly run: Run; readonly identity: RunIdentity; stop(): Promise<void> }

type Undo = () => Promise<void>

/** Warnings of the servers and of the set-up reach the user; what kafkajs says of its own retries does not. */
const sayWarnings = (say: (line: string) => void): Logger => {
  const warn = (fields: object, message: string): void => {
    if (!('kafkajs' in fields)) say(message)
  }
  const logger: Logger = { ...silentLogger, warn, error: warn, child: () => logger }
  return logger
}

const startServers = async (
  { config, ephemeral, say, signal }: StartOptions,
  logger: Logger,
): Promise<LocalStack> => {
  const progress = renderProgress(process.stderr)
  try {
    const stack = await startLocalStack({
      dataDir: join(config.MILLRACE_HOME, 'data'),
      ephemeral,
      urls: { kafka: config.KAFKA_BROKERS, mongo: config.MONGO_URL, registry: config.SCHEMA_REGISTRY_URL },
      onProgress: progress.onProgress,
      logger,
      signal,
    })
    stack.onServerEvent((event) =>
      say(event.type === 'exited' ? `${event.role} ended; starting it again` : `${event.role} is back`),
    )
    return stack
  } finally {
    progress.stop()
  }
}

const runFileKeeper = (home: string, run: Run) => {
  let last: Promise<void> = Promise.resolve()
  const save = (): void => {
    last = last.then(() => writeRun(home, run))
  }
  return { save, saved: () => last }
}

const entryOf = (spec: ServiceSpec): Run['services'][string] => ({
  url: spec.url,
  admin: spec.admin,
  pid: null,
})

/** Resolves when everything is ready; undoes what it began when anything fails. */
export const start = async (options: StartOptions): Promise<Started> => {
  const { config, say, signal } = options
  const home = config.MILLRACE_HOME
  await refuseIfRunning(home)
  const logDir = join(home, 'logs')
  await mkdir(logDir, { recursive: true })
  const logger = sayWarnings(say)
  const undo: Undo[] = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const stack = await startServers(options, logger)
    undo.push(() => stack.stop())
    const secrets = await loadDevSecrets(home)
    const identity = identityOfRun(config, secrets)
    const progress = foldingBar()
    await setUp({
      urls: stack.urls,
      database: config.MONGO_DATABASE,
      readModels: { url: config.READ_MODELS_URL, database: config.READ_MODELS_DATABASE },
      replicationFactor: config.KAFKA_REPLICATION_FACTOR,
      changesTopics: config.CHANGEFEEDS.map(({ topic }) => topic),
      logger,
      onFolded: progress.onFolded,
    }).finally(progress.stop)
    signal.throwIfAborted()
    const { urls } = stack
    const specs = await planServices({ config, urls, secrets, identity })
    const services = Object.fromEntries(specs.map((spec) => [spec.name, entryOf(spec)]))
    const token = identity.type === 'development' ? identity.token : null
    const run: Run = { pid: process.pid, token, urls, services }
    const keeper = runFileKeeper(home, run)
    const warden = startWarden({ env: inheritedEnv() })
    undo.push(() => warden.close())
    const running: RunOptions = { logDir, warden, say, onPid: notePid(run, keeper.save) }
    undo.push(() => removeRun(home))
    await startServices(specs, running, undo)
    if (options.agent) await startServices(agentsFor(specs, identity), running, undo)
    signal.throwIfAborted()
    await keeper.saved()
    return { run, identity, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** None without a token: nobody would take what it sends. */
const agentsFor = (specs: readonly ServiceSpec[], { token }: RunIdentity): ServiceSpec[] =>
  specs
    .filter(({ name }) => name === 'command-api' && token !== undefined)
    .map((commandApi) => planAgent(commandApi, String(token)))

const notePid =
  (run: Run, save: () => void) =>
  (name: string, pid: number): void => {
    run.services[name] = { ...(run.services[name] ?? { url: null, admin: null }), pid }
    save()
  }

/** All at the same time; they end together too. */
const startServices = async (
  specs: readonly ServiceSpec[],
  running: RunOptions,
  undo: Undo[],
): Promise<void> => {
  const started: SupervisedProcess[] = []
  undo.push(async () => void (await Promise.all(started.map((service) => service.stop()))))
  const outcomes = await Promise.allSettled(
    specs.map(async (spec) => void started.push(await runService(spec, running))),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
