import { processes, processState, versionedName } from '@millrace/domain'
import { connectCodec, type Codec } from '@millrace/events'
import { connectKafka, type KafkaConnection } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { prepareServers, type TestServers } from '../../support/test-servers.ts'
import { startPair, stopPair, type Pair } from './replica.ts'

/** Lease of the relay's shards and of the changefeed: what a dead one held is taken over after it. */
export const LEASE_MS = 1_000

/** A pair that is killed again and again. */
export type Victims = Pair & {
  /** A dead one is a member of these until its session has ended. */
  readonly groups: readonly string[]
  /** Longer than this, and the other one has what a frozen one had. */
  readonly isGoneAfterMs: number
}

/** All that has to do with the table of processes, each service twice. */
export type TableSide = {
  readonly servers: TestServers
  readonly kafka: KafkaConnection
  readonly codec: Codec
  readonly relays: Pair
  readonly victims: readonly Victims[]
  stop(): Promise<void>
}

const SESSION_MS = 10_000
const TABLE = versionedName(processState)

const startVictims = async (servers: TestServers): Promise<Victims[]> => {
  const [projector, compactor, changefeed] = await Promise.all([
    startPair({ service: 'projector', output: processState.topic }, servers, {
      PROJECTIONS: `${processState.name},${processes.name}`,
    }),
    startPair({ service: 'compactor', output: processState.snapshots }, servers, {
      TABLE_SNAPSHOT_EVERY_MS: '200',
    }),
    startPair({ service: 'changefeed', output: 'processes.changed' }, servers, {
      CHANGEFEED_LEASE_MS: String(LEASE_MS),
    }),
  ])
  return [
    { ...projector, groups: [`table.${TABLE}`, versionedName(processes)], isGoneAfterMs: SESSION_MS },
    { ...compactor, groups: [`snapshots.${TABLE}`], isGoneAfterMs: SESSION_MS },
    { ...changefeed, groups: [], isGoneAfterMs: LEASE_MS },
  ]
}

export const openTableSide = async (options: Parameters<typeof prepareServers>[0]): Promise<TableSide> => {
  const servers = await prepareServers(options)
  const ofRelays = { RELAY_LEASE_MS: String(LEASE_MS), RELAY_POLL_MS: '50' }
  const relays = await startPair({ service: 'command-api', output: processState.topic }, servers, ofRelays)
  const victims = await startVictims(servers)
  return {
    ...{ servers, relays, victims },
    kafka: connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger }),
    codec: await connectCodec({ registryUrl: servers.registry, writes: [] }),
    stop: async () => {
      await Promise.all([relays, ...victims].map(stopPair))
      await servers.stop()
    },
  }
}
