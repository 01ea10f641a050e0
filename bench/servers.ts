import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { renderProgress, startLocalStack } from '@millrace/local-stack'
import { silentLogger } from '@millrace/runtime'
import { setUp } from '../cli/src/setup/setup.ts'
import { givenServers } from './config.ts'

export type BenchServers = {
  readonly kafka: string
  readonly mongo: string
  readonly registry: string
  /** A database of this run's own. */
  readonly database: string
}

/** Real servers with everything set up, ended afterwards. */
export const withBenchServers = async (work: (servers: BenchServers) => Promise<void>): Promise<void> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const progress = renderProgress(process.stderr)
  const stack = await startLocalStack({
    dataDir,
    ephemeral: true,
    urls: givenServers(),
    onProgress: progress.onProgress,
    logger: silentLogger,
  })
  progress.stop()
  try {
    const database = `bench-${process.pid}`
    await setUp({ urls: stack.urls, database, replicationFactor: 1, logger: silentLogger })
    await work({ ...stack.urls, database })
  } finally {
    await stack.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}
