export type KafkaAddresses = {
  /** Where the server listens for clients, e.g. 127.0.0.1:9092. */
  readonly listener: string
  readonly controller: string
  /** What clients are told to connect to. */
  readonly advertised: string
}

type Properties = Readonly<Record<string, string>>

const MAX_MESSAGE_BYTES = 5 * 1024 * 1024
/** The default of 128 MiB would be a quarter of the heap; 16 MiB hold 600,000 keys of a compacted log at a time. */
const CLEANER_BUFFER_BYTES = 16 * 1024 * 1024
/** By default it looks every 15 s whether there is something to clean. */
const CLEANER_EVERY_MS = 1_000

/** One node that is broker and controller. */
export const makeKafkaProperties = (addresses: KafkaAddresses, logDir: string): Properties => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@${addresses.controller}`,
  listeners: `PLAINTEXT://${addresses.listener},CONTROLLER://${addresses.controller}`,
  'advertised.listeners': `PLAINTEXT://${addresses.advertised}`,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
  'log.dirs': logDir,
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'message.max.bytes': String(MAX_MESSAGE_BYTES),
  'log.cleaner.dedupe.buffer.size': String(CLEANER_BUFFER_BYTES),
  'log.cleaner.backoff.ms': String(CLEANER_EVERY_MS),
})

export const formatProperties = (properties: Properties): string =>
  Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

/** The names under which the container image takes the same settings. */
export const toKafkaEnv = (properties: Properties): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
      value,
    ]),
  )
