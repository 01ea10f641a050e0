import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inheritedEnv } from './config.ts'
import type { CommandResult } from './millrace-process.ts'
import type { ServiceServers } from './service-process.ts'

/** `millrace setup`, in a process of its own. */
export type SetupProcess = {
  readonly ended: Promise<CommandResult>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

const SCRIPT = fileURLToPath(new URL('../../cli/src/main.ts', import.meta.url))

export const startSetup = (servers: ServiceServers): SetupProcess => {
  const { NODE_OPTIONS: _, ...inherited } = inheritedEnv()
  const args = ['--conditions=source', '--disable-warning=ExperimentalWarning', SCRIPT, 'setup']
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...inherited,
      KAFKA_BROKERS: servers.kafka,
      MONGO_URL: servers.mongo,
      MONGO_DATABASE: servers.database,
      SCHEMA_REGISTRY_URL: servers.registry,
    },
  })
  const result = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (result.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (result.stderr += chunk.toString()))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...result }))
  return {
    ended,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
