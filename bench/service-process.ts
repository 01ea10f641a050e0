import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { inheritedEnv } from './config.ts'
import type { BenchServers } from './servers.ts'

export type ServiceProcess = { readonly url: string; stop(): Promise<void> }

/** The real service in a process of its own, as in production but from source; resolves when it listens. */
export const startServiceProcess = async (name: string, servers: BenchServers): Promise<ServiceProcess> => {
  const script = fileURLToPath(new URL(`../services/${name}/src/main.ts`, import.meta.url))
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--disable-warning=ExperimentalWarning', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...inheritedEnv(),
        HOST: '127.0.0.1',
        PORT: '0',
        ADMIN_PORT: '0',
        LOG_LEVEL: 'info',
        KAFKA_BROKERS: servers.kafka,
        MONGO_URL: servers.mongo,
        MONGO_DATABASE: servers.database,
        SCHEMA_REGISTRY_URL: servers.registry,
        TOKEN_SECRET: 'bench'.repeat(8),
      },
    },
  )
  const listening = Promise.withResolvers<string>()
  child.once('exit', (code) => listening.reject(new Error(`${name} ended with code ${code}`)))
  child.stdout.on('data', (chunk: Buffer) => {
    const url = /"url":"(http[^"]+)".*"service started"/.exec(chunk.toString())?.[1]
    if (url !== undefined) listening.resolve(url)
  })
  return {
    url: await listening.promise,
    stop: async () => {
      child.removeAllListeners('exit')
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}
