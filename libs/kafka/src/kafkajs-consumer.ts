import { hostname } from 'node:os'
import type { Consumer } from 'kafkajs'
import { type KafkaConnection, boundedRetries, kafkaOf } from './connect-kafka.ts'
import type { ConsumerTimings } from './consumer-timings.ts'
import { makeAssigners } from './rendezvous-assigner.ts'

type Member = {
  readonly connection: KafkaConnection
  readonly groupId: string
  readonly memberKey?: string
}

type Running = { readonly timings: ConsumerTimings; readonly mayRestart: () => boolean }

const MIB = 1024 * 1024
const MAX_BYTES_PER_PARTITION = MIB
const MAX_BYTES_PER_FETCH = 10 * MIB
/** No heartbeats are sent while fetches are retried: all retries together stay below the session timeout. */
const RETRIES = boundedRetries

/** A member of a group as kafkajs has it, with all that it needs to be told. */
export const makeKafkajsConsumer = (
  { connection, groupId, memberKey = hostname() }: Member,
  { timings, mayRestart }: Running,
): Consumer =>
  kafkaOf(connection).consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: timings.sessionTimeoutMs,
    heartbeatInterval: timings.heartbeatEveryMs,
    rebalanceTimeout: timings.rebalanceTimeoutMs,
    maxWaitTimeInMs: timings.fetchWaitMs,
    metadataMaxAge: timings.metadataMaxAgeMs,
    partitionAssigners: makeAssigners(memberKey),
    minBytes: 1,
    maxBytes: MAX_BYTES_PER_FETCH,
    maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
    // Transactions serve as a fence for writers, nothing else; see docs.
    readUncommitted: true,
    retry: { ...RETRIES, restartOnFailure: () => Promise.resolve(mayRestart()) },
  })
