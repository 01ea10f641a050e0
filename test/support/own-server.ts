import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { choosePort, startLocalStack, type LocalStack } from '@millrace/local-stack'
import { silentLogger } from '@millrace/runtime'
import { serversOfThisRun } from './config.ts'

/** A server of one test file alone, which it may take away from everybody. It keeps its address. */
export type OwnServer = {
  readonly url: string
  /** Stops it; its data stay. */
  goDown(): Promise<void>
  comeBack(): Promise<void>
  /** As if its disk had been lost: it comes back with nothing in it. */
  empty(): Promise<void>
  stop(): Promise<void>
}

export const startOwnServer = async (role: 'kafka' | 'mongo'): Promise<OwnServer> => {
  const dataDir = await mkdtemp(join(tmpdir(), `millrace-test-${role}-`))
  const port = await choosePort({ wanted: [], taken: new Set() })
  const { [role]: _, ...others } = serversOfThisRun()
  const start = (): Promise<LocalStack> =>
    startLocalStack({ dataDir, urls: others, ports: { [role]: port }, logger: silentLogger })
  let stack = await start()
  const comeBack = async (): Promise<void> => {
    stack = await start()
  }
  const goDown = (): Promise<void> => stack.stop()
  const removeData = (): Promise<void> => rm(dataDir, { recursive: true, force: true })
  return {
    url: stack.urls[role],
    goDown,
    comeBack,
    empty: async () => {
      await goDown()
      await removeData()
      await comeBack()
    },
    stop: async () => {
      await goDown()
      await removeData()
    },
  }
}
