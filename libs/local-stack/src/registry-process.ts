import { setTimeout as sleep } from 'node:timers/promises'
import { ensureRegistry } from './download/registry-download.ts'
import { LOOPBACK } from './free-port.ts'
import { findJava, javaArgs } from './java.ts'
import { throwIfAborted } from './local-stack-error.ts'
import { retryOnTakenPort, superviseServer, type StackContext } from './stack-context.ts'
import type { StartedRole } from './stack-types.ts'

const CONFLUENT_API = '/apis/ccompat/v7'
const POLL_MS = 50
const REQUEST_TIMEOUT_MS = 2_000

export const startRegistryProcess = async (context: StackContext): Promise<StartedRole> => {
  const [java, jar] = await Promise.all([findJava(context.env), ensureRegistry(context)])
  const directory = await context.dataDir.subdirectory('registry')
  return retryOnTakenPort(async (isRetry) => {
    const port = await context.ports.choose('registry', isRetry)
    const url = registryUrl(port)
    const server = await superviseServer(context, {
      role: 'registry',
      name: 'the schema registry',
      command: java,
      args: registryArgs({ jar, port, maxMb: context.memory.registryMaxMb }),
      cwd: directory,
      ready: ({ signal }) => waitForRegistry(url, signal),
    })
    return { url, origin: 'process', stop: () => server.stop() }
  })
}

export const registryUrl = (port: number): string => `http://${LOOPBACK}:${port}${CONFLUENT_API}`

/**
 * The database is named relative to the working directory, because a semicolon in its path would start an
 * option. WRITE_DELAY=0: an id that was answered is on disk, also when the process is killed right after.
 */
export const H2_OPTIONS = 'WRITE_DELAY=0'

export const registryArgs = ({
  jar,
  port,
  maxMb,
}: {
  jar: string
  port: number
  maxMb: number
}): string[] => [
  ...javaArgs({ maxMb }),
  `-Dquarkus.http.host=${LOOPBACK}`,
  `-Dquarkus.http.port=${port}`,
  `-Dapicurio.datasource.url=jdbc:h2:file:./registry;${H2_OPTIONS}`,
  '-jar',
  jar,
]

export const waitForRegistry = async (url: string, signal: AbortSignal): Promise<void> => {
  while (!(await answers(`${url}/subjects`))) {
    throwIfAborted(signal)
    await sleep(POLL_MS)
  }
}

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
