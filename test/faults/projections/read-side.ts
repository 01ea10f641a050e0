import { randomUUID } from 'node:crypto'
import { isFed, projections, type AnyProjection } from '@millrace/domain'
import { topics } from '@millrace/events'
import { connectKafka, type KafkaConnection } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { httpClient, type HttpClient } from '../../support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../support/service-process.ts'
import { prepareServers, type TestServers } from '../../support/test-servers.ts'
import type { Sender } from '../write-side/write-call.ts'

/** One projector, which may be killed and started again. */
export type Projector = {
  process(): ServiceProcess
  startAgain(): Promise<void>
}

/** Whoever sells, whoever makes read models of it, and whoever looks after those. */
export type ReadSide = {
  readonly servers: TestServers
  readonly kafka: KafkaConnection
  readonly shop: Sender
  readonly ops: HttpClient
  readonly projectors: readonly Projector[]
  /** What the checks of ops that never rest have said of read models. */
  drifts(): readonly string[]
  newId(): string
  stop(): Promise<void>
}

/** Read models that are made of what the event store has. */
export const checkable: readonly AnyProjection[] = projections.filter(
  (projection) => isFed(projection) && projection.sources.every((topic) => topics[topic].kind === 'events'),
)

/** Often enough to meet every fault of a campaign. */
const CHECK_EVERY_MS = '2000'
const DRIFT = 'a read model is not what the log says'

type Options = Parameters<typeof prepareServers>[0] & { readonly projectors: number }

const startProjector = async (servers: TestServers): Promise<Projector> => {
  const start = (): Promise<ServiceProcess> => startServiceProcess('projector', servers)
  let process = await start()
  return {
    process: () => process,
    startAgain: async () => {
      process = await start()
    },
  }
}

export const openReadSide = async ({ projectors: count, ...options }: Options): Promise<ReadSide> => {
  const servers = await prepareServers(options)
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger })
  const [commandApi, ops, ...projectors] = await Promise.all([
    startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' }),
    startServiceProcess('ops', servers, { CHECK_EVERY_MS }),
    ...Array.from({ length: count }, () => startProjector(servers)),
  ])
  const [commands, operations] = [httpClient(commandApi.url), httpClient(ops.url)]
  const run = randomUUID().slice(0, 8)
  return {
    ...{ servers, kafka, projectors, ops: operations },
    shop: {
      send: ({ path, body, key, headers = {} }) =>
        commands.send({
          method: 'POST',
          path,
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json', 'idempotency-key': key, ...headers },
        }),
    },
    drifts: () => ops.log().flatMap((line) => (line.msg === DRIFT ? [JSON.stringify(line)] : [])),
    newId: () => `${run}-${randomUUID()}`,
    stop: async () => {
      await Promise.all([commands.close(), operations.close()])
      await Promise.all(
        [commandApi, ops, ...projectors.map(({ process }) => process())].map((one) => one.stop()),
      )
      await servers.stop()
    },
  }
}
