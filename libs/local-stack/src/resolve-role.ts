import { checkUrl } from './check-url.ts'
import { startContainerRole } from './docker/start-container-role.ts'
import { startKafkaProcess } from './kafka-process.ts'
import { LocalStackError } from './local-stack-error.ts'
import { startMongoProcess } from './mongo-process.ts'
import { startRegistryProcess } from './registry-process.ts'
import type { StackContext } from './stack-context.ts'
import type { Origin, Role, StartedRole } from './stack-types.ts'

type Choice = {
  readonly url: string | undefined
  readonly hasEngine: boolean
  /** Where the server of the last run on this data came from. */
  readonly last: Origin | undefined
}

/**
 * Whoever has a URL wants that server; otherwise Docker goes before anything that has to be downloaded, unless
 * there is data that processes wrote.
 */
export const chooseOrigin = ({ url, hasEngine, last }: Choice): Origin => {
  if (url) return 'url'
  return hasEngine && last !== 'process' ? 'docker' : 'process'
}

type Source = { readonly origin: Origin; readonly url: string | undefined }

export const startRole = async (
  role: Role,
  { origin, url = '' }: Source,
  context: StackContext,
): Promise<StartedRole> => {
  switch (origin) {
    case 'url':
      await checkUrl(role, url)
      return { url, origin, stop: async () => {} }
    case 'docker':
      return startContainerRole(role, context)
    case 'process':
      requireProcessGroups()
      return START_PROCESS[role](context)
  }
}

/** The servers are ended by their process groups, which Windows does not have. */
const requireProcessGroups = (): void => {
  if (process.platform !== 'win32') return
  throw new LocalStackError('platform-unsupported', 'Servers cannot be run as processes on Windows.', {
    nextStep: 'Start Docker Desktop, use WSL, or give KAFKA_BROKERS, MONGO_URL and SCHEMA_REGISTRY_URL.',
  })
}

const START_PROCESS: Readonly<Record<Role, (context: StackContext) => Promise<StartedRole>>> = {
  kafka: startKafkaProcess,
  mongo: startMongoProcess,
  registry: startRegistryProcess,
}
