import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectCodec, topics } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import { mongoPublications, type Publications } from '@millrace/mongo'
import { eventually } from '@millrace/testkit'
import { collectRecords, type Collector } from '../../../test/support/collect-records.ts'
import { httpClient, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { headersWith, placeText } from './bad-requests.ts'
import { publishedOf, readLog } from './published-log.ts'

const TOPIC = topics['orders.order.events'].name
const FAST = { RELAY_LEASE_MS: '1000', RELAY_POLL_MS: '20' }

// Other test files may write to this topic too; only orders of this run are looked at.
const RUN = randomUUID().slice(0, 8)

describe('the relay, as it runs inside command-api,', () => {
  let servers: TestServers
  let publications: Publications
  let collector: Collector
  let services: ServiceProcess[]
  let client: HttpClient
  let written = 0

  beforeAll(async () => {
    servers = await prepareServers({ name: 'relay-process' })
    publications = mongoPublications(servers.mongoConnection)
    services = await Promise.all([1, 2].map(() => startServiceProcess('command-api', servers, FAST)))
    client = httpClient(services[0]?.url ?? '')
    collector = await collectRecords(servers.kafka, TOPIC)
  })

  afterAll(async () => {
    await client.close()
    await collector.stop()
    await Promise.all(services.map((service) => service.stop()))
    await servers.stop()
  })

  const service = (number: 0 | 1): ServiceProcess => services[number] as ServiceProcess
  const ours = (record: KafkaRecord): boolean => String(record.key).startsWith(`demo/${RUN}-`)

  const command = async (id: string, name: string, body: string): Promise<void> => {
    const headers = headersWith({ 'idempotency-key': randomUUID() })
    const answer = await client.send({ method: 'POST', path: `/orders/${id}/${name}`, body, headers })
    expect(answer.status).toBe(200)
    written += 1
  }

  const writeOrders = (count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, async () => {
        const id = `${RUN}-${randomUUID()}`
        await command(id, 'place', placeText)
        await command(id, 'pay', '{"method":"card"}')
        await command(id, 'ship', '{"carrier":"DHL"}')
      }),
    )

  const nothingPending = (): Promise<unknown> =>
    eventually(
      () => publications.countPending(),
      (count) => count === 0,
      { timeoutMs: 20_000 },
    )

  const expectCompleteLog = async (): Promise<void> => {
    const log = await eventually(
      () => readLog(collector.records().filter(ours)),
      ({ firsts }) => firsts.length >= written,
      { timeoutMs: 20_000 },
    )
    expect(log.faults).toEqual([])
    expect(log.firsts).toHaveLength(written)
  }

  const holdersOf = async (): Promise<string[]> => {
    const leases = servers.mongoConnection.db.collection('leases').find({ expiresAt: { $gt: new Date() } })
    return [...new Set((await leases.toArray()).map((lease) => lease['owner'] as string))]
  }

  it('puts each event into Kafka once, in version order, as a CloudEvent a stranger can read', async () => {
    await writeOrders(20)
    await nothingPending()
    await expectCompleteLog()

    const record = collector.records().find(ours) as KafkaRecord
    const { key } = publishedOf(record)
    expect(Object.keys(record.headers).toSorted()).toEqual(
      [
        'ce_actor',
        'ce_causationid',
        'ce_correlationid',
        'ce_id',
        'ce_sequence',
        'ce_source',
        'ce_specversion',
        'ce_subject',
        'ce_tenant',
        'ce_time',
        'ce_type',
        'ce_version',
        'content-type',
      ].toSorted(),
    )
    expect(String(record.headers['ce_source'])).toBe('/orders.order')
    expect(String(record.headers['ce_subject'])).toBe(`orders.order-${key}`)
    const commit = await servers.mongoConnection.db.collection('commits').findOne({ key, first: 1 })
    expect(record.timestamp).toBe((commit?.['committedAt'] as Date).getTime())

    const codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
    const value = record.value ?? Buffer.alloc(0)
    await codec.ensureWriters([codec.writerIdOf(value)])
    expect(codec.decode(TOPIC, value)).toMatchObject({ type: String(record.headers['ce_type']) })
  })

  it('frozen past its lease and thawed under load, it repeats at most what was published', async () => {
    for (let round = 0; round < 2; round++) {
      const before = await holdersOf()
      const load = writeOrders(20)
      service(1).freeze()
      await load
      await nothingPending()
      service(1).thaw()
      await writeOrders(5)
      await nothingPending()
      expect(before.length).toBeGreaterThan(0)
      await expectCompleteLog()
    }
  })

  it('killed under load, another one finishes what it began', async () => {
    const load = writeOrders(20)
    await service(1).kill()
    await load
    await nothingPending()
    await expectCompleteLog()
  })

  it('gives its shards back when it stops, so that the next one need not wait', async () => {
    // Until the leases of the one that was killed have ended.
    await eventually(holdersOf, ({ length }) => length === 1)
    expect(await service(0).stop()).toBe(0)
    expect(await holdersOf()).toEqual([])
  })
})
