import type { Kafka, KafkaConfig } from 'kafkajs'
import type { ConnectionOptions } from 'node:tls'
import type { Logger } from '@millrace/runtime'
import { bridgeLogs } from './bridge-logs.ts'
import { kafkajs } from './kafkajs-shim.ts'
import { LaneBudget } from './lane-budget.ts'
import { MAX_QUEUED_BYTES } from './lane-limits.ts'

type SaslMechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512'

export type KafkaSasl = {
  [Mechanism in SaslMechanism]: {
    readonly mechanism: Mechanism
    readonly username: string
    readonly password: string
  }
}[SaslMechanism]

export type KafkaOptions = {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: Logger
  readonly ssl?: boolean | ConnectionOptions
  readonly sasl?: KafkaSasl
}

/** Where Kafka is and who asks. Opens no socket: producers, consumers and admin calls open and close their own. */
export type KafkaConnection = {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly logger: Logger
}

const CONNECT_TIMEOUT_MS = 3_000
const AUTHENTICATE_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 15_000

/** Complete, because kafkajs takes other defaults when NODE_ENV is "test". About six seconds of trying in all. */
export const boundedRetries = {
  retries: 5,
  initialRetryTime: 200,
  factor: 0.2,
  multiplier: 2,
  maxRetryTime: 5_000,
}

type Retries = typeof boundedRetries

const budgets = new WeakMap<KafkaConnection, LaneBudget>()
const clients = new WeakMap<KafkaConnection, (retry: Retries) => Kafka>()

/** Never fails by itself: the first call that uses the connection does, when Kafka is not there. */
export const connectKafka = (options: KafkaOptions): KafkaConnection => {
  const { brokers, clientId, logger, ssl, sasl } = options
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    authenticationTimeout: AUTHENTICATE_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    logLevel: kafkajs.logLevel.INFO,
    logCreator: bridgeLogs(logger),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: { ...sasl } }),
  }
  const connection = Object.freeze({ brokers: [...brokers], clientId, logger })
  // A client each: clients made by one Kafka object share the committed offsets of a group, so that two consumers
  // of one group in one process would wipe each other's positions.
  clients.set(connection, (retry) => new kafkajs.Kafka({ ...config, retry }))
  budgets.set(connection, new LaneBudget(MAX_QUEUED_BYTES))
  return connection
}

/** For this library only: what the lanes of all its consumers share. */
export const budgetOf = (connection: KafkaConnection): LaneBudget => {
  const budget = budgets.get(connection)
  if (!budget) throw new Error('this connection was not made by connectKafka')
  return budget
}

/** For this library only: the kafkajs client behind a connection. */
export const kafkaOf = (connection: KafkaConnection, retry: Retries = boundedRetries): Kafka => {
  const make = clients.get(connection)
  if (!make) throw new Error('this connection was not made by connectKafka')
  return make(retry)
}
