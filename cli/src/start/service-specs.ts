import { choosePort } from '@millrace/local-stack'
import type { LocalStack } from '@millrace/local-stack'
import type { Config } from '../config.ts'
import { ROOT } from '../config.ts'
import type { DevSecrets } from './dev-secrets.ts'
import type { RunIdentity } from './run-identity.ts'

/** A process that `millrace start` runs besides the servers. */
export type ServiceSpec = {
  readonly name: string
  /** Null for a process without an HTTP API. */
  readonly url: string | null
  readonly admin: string | null
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

type Ports = { readonly api: number | null; readonly admin: number }

const SERVICES: Readonly<Record<string, Ports>> = {
  'command-api': { api: 3001, admin: 9101 },
  projector: { api: null, admin: 9102 },
  'query-api': { api: 3002, admin: 9103 },
  compactor: { api: null, admin: 9104 },
  changefeed: { api: null, admin: 9105 },
  ops: { api: 3000, admin: 9100 },
}

const HOST = '127.0.0.1'
const sourceArgs = (script: string): string[] => [
  '--conditions=source',
  '--disable-warning=ExperimentalWarning',
  `${ROOT}${script}`,
]

export type SpecInput = {
  readonly config: Config
  readonly urls: LocalStack['urls']
  readonly secrets: DevSecrets
  readonly identity: RunIdentity
}

const sharedEnv = ({ config, urls, secrets, identity }: SpecInput): Record<string, string> => ({
  HOST,
  KAFKA_BROKERS: urls.kafka,
  MONGO_URL: urls.mongo,
  MONGO_DATABASE: config.MONGO_DATABASE,
  SCHEMA_REGISTRY_URL: urls.registry,
  TOKEN_SECRET: secrets.tokenSecret,
  LOG_LEVEL: config.LOG_LEVEL,
  ...(identity.type === 'development' ? { DEV_TOKEN: identity.token } : {}),
})

const freePort = async (preferred: number, taken: Set<number>): Promise<number> => {
  const port = await choosePort({ wanted: [preferred], taken })
  taken.add(port)
  return port
}

/** The services with free ports: the well-known ones unless they are taken. */
export const planServices = async (input: SpecInput): Promise<ServiceSpec[]> => {
  const taken = new Set<number>()
  const specs: ServiceSpec[] = []
  for (const [name, ports] of Object.entries(SERVICES)) {
    const admin = await freePort(ports.admin, taken)
    const api = ports.api === null ? null : await freePort(ports.api, taken)
    specs.push({
      name,
      url: api === null ? null : `http://${HOST}:${api}`,
      admin: `http://${HOST}:${admin}`,
      args: sourceArgs(`services/${name}/src/main.ts`),
      env: { ...sharedEnv(input), ADMIN_PORT: String(admin), ...(api === null ? {} : { PORT: String(api) }) },
    })
  }
  return specs
}

/** The agent that feeds this machine's process table to command-api. */
export const planAgent = (commandApi: ServiceSpec, token: string): ServiceSpec => ({
  name: 'agent',
  url: null,
  admin: null,
  args: [...sourceArgs('cli/src/main.ts'), 'agent', '--url', String(commandApi.url)],
  env: { MILLRACE_TOKEN: token },
})
