import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { tables, versionedName } from '@millrace/domain'
import { connectMongo, type MongoConnection } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { setUp } from '../../cli/src/setup/setup.ts'
import { httpClient, type HttpClient } from '../support/http-client.ts'
import { startOwnServer, type OwnServer } from '../support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { prepareServers, type TestServers } from '../support/test-servers.ts'

describe('read models in a database of their own', () => {
  const database = `test-apart-${randomUUID().slice(0, 8)}`
  const env = { READ_MODELS_DATABASE: database }
  let kafka: OwnServer
  let servers: TestServers
  let readModels: MongoConnection
  let services: ServiceProcess[]
  let commands: HttpClient
  let queries: HttpClient
  beforeAll(async () => {
    kafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'apart', kafka: kafka.url })
    const { registry, mongo } = servers
    await setUp({
      urls: { kafka: kafka.url, mongo, registry },
      database: servers.database,
      readModels: { url: undefined, database },
      replicationFactor: 1,
      logger: silentLogger,
      adoptTopics: true,
    })
    readModels = await connectMongo({ url: mongo, database, clientName: 'test' })
    const [commandApi, queryApi, ...others] = await Promise.all([
      startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' }),
      startServiceProcess('query-api', servers, env),
      startServiceProcess('projector', servers, env),
    ])
    services = [commandApi, queryApi, ...others]
    commands = httpClient(commandApi.url)
    queries = httpClient(queryApi.url)
  })
  afterAll(async () => {
    await Promise.all([commands.close(), queries.close()])
    await Promise.all(services.map((service) => service.stop()))
    await readModels.db.dropDatabase()
    await readModels.close()
    await servers.stop()
    await kafka.stop()
  })

  const collectionsIn = async ({ db }: MongoConnection): Promise<string[]> =>
    (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name)

  it('are read after the command that they follow', async () => {
    const placed = await commands.send({
      method: 'POST',
      path: '/orders/o-1/place',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify({
        customerId: 'c-1',
        currency: 'EUR',
        lines: [{ productId: 'p-1', quantity: 1, amount: 100 }],
      }),
    })
    const position = String(placed.json()['position'])
    const after = `after=${position}&timeout=20000`
    for (const path of ['order-summary/o-1', 'customer-dashboard/c-1', 'open-orders/c-1']) {
      const read = await queries.send({ path: `/read-models/${path}?${after}` })
      expect([path, read.status, read.text]).toEqual([path, 200, read.text])
    }
  })

  it('have their documents, checkpoints and builds there, and no events', async () => {
    const there = await collectionsIn(readModels)
    expect(there).toEqual(expect.arrayContaining(['builds', 'checkpoints', 'parkedEvents']))
    expect(there).toContain('readModel.order-summary.v1')
    expect(there).not.toContain('commits')
    expect(await readModels.db.collection('checkpoints').countDocuments()).toBeGreaterThan(0)
    // Tables live with the events.
    const ofTables = tables.map(versionedName)
    const beside = { '_id.projection': { $nin: ofTables } }
    expect(await servers.mongoConnection.db.collection('checkpoints').countDocuments(beside)).toBe(0)
  })

  it('are with the events when they change with the commits', async () => {
    const inline = servers.mongoConnection.db.collection('readModel.open-orders.v1')
    expect(await inline.countDocuments()).toBe(1)
    expect(await collectionsIn(readModels)).not.toContain('readModel.open-orders.v1')
  })
})
