// An outbox relay in a process of its own, that a test can kill or freeze. Told by its one argument what to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connectKafka } from '@millrace/kafka'
import { connectMongo, mongoLeases, mongoOutboxRows, type OutboxTopic } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { inheritedEnv } from '../../../test/support/config.ts'
import { startOutboxRelay } from '../src/outbox/outbox-relay.ts'

export type OutboxProcessOptions = {
  readonly kafka: string
  readonly mongo: string
  readonly database: string
  readonly topic: OutboxTopic
  readonly owner: string
  readonly leaseMs: number
  readonly pollMs: number
}

export type OutboxProcess = { freeze(): void; thaw(): void; kill(): Promise<void> }

export const startOutboxProcess = (options: OutboxProcessOptions): OutboxProcess => {
  const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning']
  const { NODE_OPTIONS: _, ...env } = inheritedEnv()
  const child = spawn(process.execPath, [...flags, import.meta.filename, JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
  const exited = once(child, 'exit')
  return {
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

if (process.argv[1] === import.meta.filename) {
  const {
    kafka,
    mongo: url,
    database,
    topic,
    ...timing
  } = JSON.parse(process.argv[2] ?? '') as OutboxProcessOptions
  const mongo = await connectMongo({ url, database, clientName: timing.owner })
  startOutboxRelay(
    {
      ...timing,
      rows: mongoOutboxRows(mongo),
      leases: mongoLeases(mongo),
      topics: [topic],
      logger: silentLogger,
      onPublished: () => undefined,
    },
    connectKafka({ brokers: [kafka], clientId: timing.owner, logger: silentLogger }),
  )
}
