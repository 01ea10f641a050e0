/** What each role's container looks like; pure, so that it can be checked without an engine. */
import { makeKafkaProperties, toKafkaEnv } from '../kafka-properties.ts'
import { mongoUrl, MONGO_SET_NAME } from '../mongo-process.ts'
import { H2_OPTIONS, registryUrl } from '../registry-process.ts'
import { LOOPBACK } from '../free-port.ts'
import type { Memory, Role } from '../stack-types.ts'

export type ContainerSpec = {
  readonly image: string
  readonly containerPort: number
  readonly hostPort: number
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** Where the image keeps its data: a named volume is mounted there, so that owners and rights fit. */
  readonly dataPath: string
  readonly user: string | null
  readonly readyLine: RegExp
  readonly url: string
}

type Wish = { readonly port: number; readonly memory: Memory }

const KAFKA_PORT = 9092
const KAFKA_DATA = '/var/lib/kafka/data'
const REGISTRY_PORT = 8080
const REGISTRY_DATA = '/var/lib/registry'

const kafkaSpec = ({ port, memory }: Wish): ContainerSpec => ({
  image: 'apache/kafka:4.1.1',
  containerPort: KAFKA_PORT,
  hostPort: port,
  env: {
    ...toKafkaEnv(
      makeKafkaProperties(
        {
          listener: `0.0.0.0:${KAFKA_PORT}`,
          controller: `${LOOPBACK}:${KAFKA_PORT + 1}`,
          advertised: `${LOOPBACK}:${port}`,
        },
        KAFKA_DATA,
      ),
    ),
    KAFKA_HEAP_OPTS: `-Xms${memory.kafkaMinMb}m -Xmx${memory.kafkaMaxMb}m`,
  },
  command: [],
  dataPath: KAFKA_DATA,
  user: null,
  readyLine: /Kafka Server started/,
  url: `${LOOPBACK}:${port}`,
})

/** Inside and outside it is the same port: the member of the replica set is one address for both. */
const mongoSpec = ({ port, memory }: Wish): ContainerSpec => ({
  image: 'mongo:8.0',
  containerPort: port,
  hostPort: port,
  env: {},
  command: [
    'mongod',
    '--bind_ip_all',
    '--port',
    String(port),
    '--replSet',
    MONGO_SET_NAME,
    '--wiredTigerCacheSizeGB',
    String(memory.mongoCacheGb),
  ],
  dataPath: '/data/db',
  user: null,
  readyLine: /Waiting for connections/,
  url: mongoUrl(`${LOOPBACK}:${port}`),
})

/** As root: the image has no directory of its own user's to mount a volume on. */
const registrySpec = ({ port, memory }: Wish): ContainerSpec => ({
  image: 'apicurio/apicurio-registry:3.0.9',
  containerPort: REGISTRY_PORT,
  hostPort: port,
  env: {
    APICURIO_DATASOURCE_URL: `jdbc:h2:file:${REGISTRY_DATA}/registry;${H2_OPTIONS}`,
    JAVA_TOOL_OPTIONS: `-Xmx${memory.registryMaxMb}m`,
  },
  command: [],
  dataPath: REGISTRY_DATA,
  user: '0',
  readyLine: /Listening on/,
  url: registryUrl(port),
})

export const CONTAINER_SPECS: Readonly<Record<Role, (wish: Wish) => ContainerSpec>> = {
  kafka: kafkaSpec,
  mongo: mongoSpec,
  registry: registrySpec,
}

/** The library would publish on all addresses; a development stack is for this machine only. */
export const publishOnLoopback = ({ containerPort, hostPort }: ContainerSpec) => ({
  [`${containerPort}/tcp`]: [{ HostIp: LOOPBACK, HostPort: String(hostPort) }],
})
