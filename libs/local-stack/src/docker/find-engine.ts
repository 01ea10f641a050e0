/**
 * Is there a container engine on this machine that answers at once? Loading the container library takes
 * longer than most machines without Docker want to wait, so the sockets are looked at first.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Env, StackLogger } from '../stack-types.ts'

const ANSWER_MS = 4_000
const LOCAL_HOSTS = new Set(['localhost', '127.0.0.1', '::1'])

export const hasEngine = async (env: Env, logger: StackLogger): Promise<boolean> => {
  if (!mayHaveEngine(env)) return false
  const host = await askEngine()
  if (host === null) {
    logger.info({}, 'container engine did not answer')
    return false
  }
  if (LOCAL_HOSTS.has(host)) return true
  // Its ports would have to be opened to the network for us to reach them.
  logger.info({ host }, 'container engine is on another machine and is not used')
  return false
}

export const mayHaveEngine = (env: Env, exists: (path: string) => boolean = existsSync): boolean =>
  Boolean(env['DOCKER_HOST']) || process.platform === 'win32' || engineSockets(env).some(exists)

export const engineSockets = (env: Env): readonly string[] => [
  '/var/run/docker.sock',
  ...(env['XDG_RUNTIME_DIR'] ? [join(env['XDG_RUNTIME_DIR'], 'docker.sock')] : []),
  join(homedir(), '.docker', 'run', 'docker.sock'),
  join(homedir(), '.docker', 'desktop', 'docker.sock'),
]

/** The host under which published ports are reached; null when no engine answers in time. */
const askEngine = async (): Promise<string | null> => {
  const ask = async (): Promise<string> => {
    const { getContainerRuntimeClient } = await import('testcontainers')
    const client = await getContainerRuntimeClient()
    return client.info.containerRuntime.host
  }
  return Promise.race([ask().catch(() => null), sleep(ANSWER_MS, null, { ref: false })])
}
