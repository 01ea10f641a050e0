/*
 * Projector and ops in this process, on real servers, with folds that a test chooses: what happens when the code changes
 * can only be shown with code that changes. Commands go to a command-api of its own.
 */
import { randomUUID } from 'node:crypto'
import type { AnyProjection, ProjectionCode } from '@millrace/domain'
import { connectCodec, type Codec } from '@millrace/events'
import { connectKafka, type KafkaConnection } from '@millrace/kafka'
import {
  mongoBuildReports,
  mongoLaneStates,
  mongoPartitionLog,
  mongoPartitionKeys,
  mongoProjectionStore,
  mongoReadModelStore,
  topicIncarnations,
  type BuildRegistry,
  type BuildReport,
  type MongoConnection,
} from '@millrace/mongo'
import { createMetrics, silentLogger } from '@millrace/runtime'
import { beginCheck, type CheckOrder } from '../../services/ops/src/build-check.ts'
import { makeProgressOf } from '../../services/ops/src/build-progress.ts'
import { makeOperations, type Operations } from '../../services/ops/src/operations.ts'
import { feedBuilds, type Feeding } from '../../services/projector/src/feed-builds.ts'
import { projectionMetrics, runProjection } from '../../services/projector/src/run-projection.ts'
import { startOwnServer } from '../support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { prepareServers } from '../support/test-servers.ts'

export type ProjectionRig = {
  readonly mongo: MongoConnection
  readonly kafka: KafkaConnection
  readonly codec: Codec
  readonly registry: BuildRegistry
  readonly commandApi: ServiceProcess
  /** A projector that has these versions, the newest last. */
  feed(versions: readonly AnyProjection[]): Promise<Feeding>
  /** An ops that has them. */
  operations(versions: readonly AnyProjection[]): Operations
  check(versions: readonly AnyProjection[], order: CheckOrder): Promise<BuildReport>
  stop(): Promise<void>
}

export const codeWith = (versions: readonly AnyProjection[]): ProjectionCode => ({
  newest: (name) => versions.findLast((projection) => projection.name === name) ?? null,
  version: (name, version) =>
    versions.find((projection) => projection.name === name && projection.version === version) ?? null,
})

export const startProjectionRig = async (name: string): Promise<ProjectionRig> => {
  const ownKafka = await startOwnServer('kafka')
  const servers = await prepareServers({ name, kafka: ownKafka.url })
  const mongo = servers.mongoConnection
  const kafka = connectKafka({ brokers: [ownKafka.url], clientId: 'test', logger: silentLogger })
  const codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
  const commandApi = await startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' })
  const { builds: registry, reader } = mongoReadModelStore(mongo)
  const reports = mongoBuildReports(mongo)
  const lanes = mongoLaneStates(mongo)
  const progressOf = makeProgressOf({ kafka, lanes })
  const log = mongoPartitionLog(mongo)
  const begin = (versions: readonly AnyProjection[], order: CheckOrder) =>
    beginCheck({ reader, code: codeWith(versions), codec, log, lanes, reports, logger: silentLogger }, order)
  const check = async (versions: readonly AnyProjection[], order: CheckOrder): Promise<BuildReport> => {
    const report = await (await begin(versions, order))?.done
    if (report) return report
    throw new Error('the check was broken off, or another one was under way')
  }
  const shared = {
    connection: kafka,
    codec,
    store: mongoProjectionStore(mongo),
    storedKeys: mongoPartitionKeys(mongo),
    incarnationOf: topicIncarnations(mongo).current,
    owner: randomUUID(),
    metrics: projectionMetrics(createMetrics('test')),
    logger: silentLogger,
  }
  const feedings: Feeding[] = []
  return {
    ...{ mongo, kafka, codec, registry, commandApi, check },
    feed: async (versions) => {
      const newest = [...new Map(versions.map((projection) => [projection.name, projection])).values()]
      const feeding = await feedBuilds({
        registry,
        projections: newest,
        code: codeWith(versions),
        run: (feed) => runProjection({ ...shared, ...feed }),
        onCrash: (error) => {
          throw error
        },
        logger: silentLogger,
        lookEveryMs: 100,
      })
      feedings.push(feeding)
      return feeding
    },
    operations: (versions) =>
      makeOperations({
        ...{ registry, reports, kafka, progressOf, code: codeWith(versions), mayBuildInPlace: false },
        startCheck: async (order) => (await begin(versions, order))?.report,
      }),
    stop: async () => {
      await Promise.all(feedings.map((feeding) => feeding.stop()))
      await commandApi.stop()
      await servers.stop()
      await ownKafka.stop()
    },
  }
}
