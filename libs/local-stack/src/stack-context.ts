import type { DataDir } from './data-dir.ts'
import { choosePort } from './free-port.ts'
import { LocalStackError } from './local-stack-error.ts'
import type { Env, Guard, Memory, OnProgress, Role, ServerEvent, StackLogger } from './stack-types.ts'
import type { ProcessSpec, SupervisedProcess } from './supervise-process.ts'
import { superviseProcess } from './supervise-process.ts'

export type PortName = Role | 'controller'
export type Ports = {
  /** The port of the last run, else the preferred one, else any free one; `isRetry` leaves out all known ones. */
  choose(name: PortName, isRetry: boolean): Promise<number>
}

/** What every role needs to start. */
export type StackContext = {
  readonly dataDir: DataDir
  readonly cacheDir: string
  readonly env: Env
  readonly guards: readonly Guard[]
  readonly logger: StackLogger
  readonly onProgress: OnProgress
  readonly onServerEvent: (event: ServerEvent) => void
  readonly memory: Memory
  readonly ports: Ports
  /** Cancels the start. */
  readonly signal: AbortSignal
}

/** Given out but perhaps not listened on yet; of all stacks in this process. */
const takenPorts = new Set<number>()

export const makePorts = (dataDir: DataDir, preferred: Readonly<Partial<Record<PortName, number>>>) => {
  const chosen: Record<string, number> = {}
  const ports: Ports = {
    async choose(name, isRetry) {
      const known = [dataDir.lastRun.ports[name], preferred[name]].filter((port) => port !== undefined)
      const port = await choosePort({ wanted: isRetry ? [] : known, taken: takenPorts })
      takenPorts.add(port)
      chosen[name] = port
      return port
    },
  }
  return {
    ports,
    all: () => ({ ...dataDir.lastRun.ports, ...chosen }),
    giveBack: () => {
      for (const port of Object.values(chosen)) takenPorts.delete(port)
    },
  }
}

const MAX_PORT_TRIES = 3
const PORT_TAKEN = /address already in use|failed to bind|already bound|port \d+ (?:is )?(?:already )?in use/i

/** Another program may take a port between our look and the server's bind; then another port is tried. */
export const retryOnTakenPort = async <T>(start: (isRetry: boolean) => Promise<T>): Promise<T> => {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(tries > 1)
    } catch (error) {
      if (tries >= MAX_PORT_TRIES || !isPortTaken(error)) throw error
    }
  }
}

export const isPortTaken = (error: unknown): boolean =>
  error instanceof LocalStackError && error.code === 'server-failed' && PORT_TAKEN.test(error.message)

type ServerSpec = Pick<ProcessSpec, 'command' | 'args' | 'cwd'> &
  Required<Pick<ProcessSpec, 'ready'>> & { readonly role: Role; readonly name: string }

const PERSISTENT_GRACE_MS = 15_000
/** Above what a restart after a crash, or MongoDB on another port, may take on a slow machine. */
const START_TIMEOUT_MS = 90_000

/** A server of the stack: supervised, guarded, logged to its file; an ephemeral one is killed, not asked. */
export const superviseServer = (context: StackContext, spec: ServerSpec): Promise<SupervisedProcess> => {
  const { logger, dataDir } = context
  const { role, ...process } = spec
  return superviseProcess({
    ...process,
    env: context.env,
    logFile: dataDir.logFile(role),
    guards: context.guards,
    signal: context.signal,
    startTimeoutMs: START_TIMEOUT_MS,
    graceMs: dataDir.isEphemeral ? 0 : PERSISTENT_GRACE_MS,
    onExit: ({ code, signal, restartInMs }) => {
      logger.warn({ role, code, signal, restartInMs, logFile: dataDir.logFile(role) }, 'server exited')
      context.onServerEvent({ type: 'exited', role, code, signal, restartInMs })
    },
    onStarted: ({ pid, isRestart }) => {
      logger.info({ role, pid }, isRestart ? 'server restarted' : 'server started')
      if (isRestart) context.onServerEvent({ type: 'restarted', role, pid })
    },
  })
}
