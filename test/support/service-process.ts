import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { inheritedEnv } from './config.ts'

export type ServiceServers = {
  readonly kafka: string
  readonly mongo: string
  readonly registry: string
  readonly database: string
}

/** A line of the service's JSON log. */
export type LogLine = { readonly level?: string; readonly msg?: string; readonly [field: string]: unknown }

/** One service as in production, in a process of its own and on free ports, but from source. */
export type ServiceProcess = {
  /** Of its HTTP API; empty for a service without one. */
  readonly url: string
  readonly admin: string
  readonly pid: number
  isAlive(): boolean
  /** All that it has logged, oldest first. */
  log(): readonly LogLine[]
  /** SIGSTOP: a pause, as of a frozen virtual machine. */
  freeze(): void
  thaw(): void
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. Safe to call on what has ended. */
  stop(): Promise<number | null>
}

/** The same in every replica: tokens that one signed are good for all. */
export const TOKEN_SECRET = 'not-a-secret'.repeat(4)

const spawnService = (
  name: string,
  servers: ServiceServers,
  env: Readonly<Record<string, string>>,
): ChildProcess => {
  const script = fileURLToPath(new URL(`../../services/${name}/src/main.ts`, import.meta.url))
  const args = ['--conditions=source', '--disable-warning=ExperimentalWarning', script]
  const { NODE_OPTIONS: _, ...inherited } = inheritedEnv()
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...inherited,
      HOST: '127.0.0.1',
      PORT: '0',
      ADMIN_PORT: '0',
      LOG_LEVEL: 'info',
      KAFKA_BROKERS: servers.kafka,
      MONGO_URL: servers.mongo,
      MONGO_DATABASE: servers.database,
      SCHEMA_REGISTRY_URL: servers.registry,
      TOKEN_SECRET,
      ...env,
    },
  })
}

const parseLine = (text: string): LogLine => {
  try {
    return JSON.parse(text) as LogLine
  } catch {
    return { msg: text }
  }
}

/** Resolves when it has started, rejects when it ends before. */
export const startServiceProcess = async (
  name: string,
  servers: ServiceServers,
  env: Readonly<Record<string, string>> = {},
): Promise<ServiceProcess> => {
  const child = spawnService(name, servers, env)
  const lines: LogLine[] = []
  const started = Promise.withResolvers<LogLine>()
  const exited = once(child, 'exit') as Promise<[number | null]>
  void exited.then(([code]) =>
    started.reject(new Error(`${name} ended with code ${code}: ${JSON.stringify(lines.slice(-5))}`)),
  )
  if (child.stdout) {
    createInterface(child.stdout).on('line', (text) => {
      const line = parseLine(text)
      lines.push(line)
      if (line.msg === 'service started') started.resolve(line)
    })
  }
  const { url = '', admin = '' } = (await started.promise) as { url?: string; admin?: string }
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    // A frozen process keeps a SIGTERM for later.
    if (isAlive()) child.kill('SIGCONT')
    if (isAlive()) child.kill(signal)
    const [code] = await exited
    return code
  }
  return {
    url,
    admin,
    pid: child.pid ?? 0,
    isAlive,
    log: () => lines,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}
