import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type TestServers = { stop(): Promise<void> }

const variables = { kafka: 'KAFKA_BROKERS', mongo: 'MONGO_URL', registry: 'SCHEMA_REGISTRY_URL' } as const
const roles = Object.keys(variables) as (keyof typeof variables)[]

/**
 * Gives the test run one set of real servers: puts their URLs into process.env, which the test workers inherit.
 * A URL that is already set is used as it is; with all three set nothing is started.
 */
export const startTestServers = async (): Promise<TestServers> => {
  const missing = roles.filter((role) => !process.env[variables[role]])
  if (missing.length === 0) return { stop: () => Promise.resolve() }

  // Loaded when needed, so that a run without servers does not depend on it.
  const { startLocalStack } = await import('@millrace/local-stack')
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  const stack = await startLocalStack({
    dataDir,
    ephemeral: true,
    urls: givenUrls(),
    onProgress: printEachStepOnce(),
    logger: stderrLogger,
  })
  for (const role of roles) process.env[variables[role]] = stack.urls[role]

  return {
    stop: async () => {
      await stack.stop()
      await rm(dataDir, { recursive: true, force: true })
      for (const role of missing) delete process.env[variables[role]]
    },
  }
}

const givenUrls = (): Partial<Record<keyof typeof variables, string>> => {
  const urls: Partial<Record<keyof typeof variables, string>> = {}
  for (const role of roles) {
    const url = process.env[variables[role]]
    if (url) urls[role] = url
  }
  return urls
}

const printEachStepOnce = (): ((progress: { step: string }) => void) => {
  const printed = new Set<string>()
  return ({ step }) => {
    if (printed.has(step)) return
    printed.add(step)
    process.stderr.write(`  ${step}\n`)
  }
}

const ignore = (): void => undefined
const print = (fields: object, message: string): void => {
  process.stderr.write(`${message} ${JSON.stringify(fields)}\n`)
}
const stderrLogger = { debug: ignore, info: ignore, warn: print, error: print }
