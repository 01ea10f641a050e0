import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { checksumOf } from '@millrace/aggregates'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { headersWith } from './bad-requests.ts'

const ID = `p-${randomUUID()}`
const STREAM = `catalog.product-${ID}`
const listedAt = (amount: number) => ({ status: 'listed', price: { amount, currency: 'EUR' } })

// One story told in order.
describe('snapshots of command-api', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient

  beforeAll(async () => {
    servers = await prepareServers({ name: 'command-snapshots' })
    service = await startServiceProcess('command-api', servers)
    client = httpClient(service.url)
  })

  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const command = async (name: string, body: object): Promise<HttpAnswer> =>
    client.send({
      method: 'POST',
      path: `/products/${ID}/${name}`,
      headers: headersWith({ 'idempotency-key': randomUUID() }),
      body: JSON.stringify(body),
    })
  const reprice = (amount: number): Promise<HttpAnswer> =>
    command('reprice', { price: { amount, currency: 'EUR' } })

  const take = (stream = STREAM, more: { body?: string; headers?: Record<string, string> } = {}) =>
    client.send({ method: 'POST', path: `/snapshots/${stream}`, ...more })
  const latest = (stream = STREAM) => client.send({ path: `/snapshots/${stream}/latest` })
  const stored = () => servers.mongoConnection.db.collection('snapshots')

  const ignored = async (): Promise<number> => {
    const text = await (await fetch(new URL('/metrics', service.admin))).text()
    const values = [...text.matchAll(/^millrace_snapshots_ignored_total\{.*\} (\d+)$/gm)]
    return values.reduce((sum, [, value]) => sum + Number(value), 0)
  }

  it('are none of a stream that does not exist', async () => {
    for (const stream of [STREAM, 'catalog.product', 'nothing.at-all', '__proto__'])
      expect([(await take(stream)).status, (await latest(stream)).status]).toEqual([404, 404])
  })

  it('are not looked for where there can be no stream', async () => {
    for (const stream of ['catalog.product-a%2Fb', 'catalog.product-', 'a%00b', 'a'.repeat(10_000)])
      expect([(await take(stream)).status, (await latest(stream)).status]).toEqual([400, 400])
  })

  it('are none before one was taken', async () => {
    await command('add', { name: 'lamp', category: 'home', price: { amount: 1, currency: 'EUR' } })
    for (let amount = 2; amount <= 5; amount++) expect((await reprice(amount)).status).toBe(200)
    const answer = await latest()
    expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/problem+json'])
  })

  it('are made when they are asked for', async () => {
    const answer = await take()
    expect([answer.status, answer.json()]).toEqual([
      201,
      {
        stream: STREAM,
        version: 5,
        stateVersion: 1,
        checksum: checksumOf(listedAt(5)),
        takenAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      },
    ])
    const shown = await latest()
    expect([shown.status, shown.json()]).toEqual([200, { ...answer.json(), state: listedAt(5) }])
  })

  it('are the same when they are asked for again', async () => {
    const first = (await latest()).json()
    const again = await take(STREAM, { body: '{}', headers: { 'content-type': 'application/json' } })
    const { state: _, ...header } = first
    expect([again.status, again.json()]).toEqual([200, header])
    expect(await stored().countDocuments({ stream: STREAM })).toBe(1)
  })

  it('take no body and no parameters', async () => {
    const json = { 'content-type': 'application/json' }
    expect((await take(STREAM, { body: '{"version":3}', headers: json })).status).toBe(400)
    expect((await take(STREAM, { body: '{}', headers: { 'content-type': 'text/plain' } })).status).toBe(415)
    expect((await take(`${STREAM}?version=3`)).status).toBe(400)
    expect((await client.send({ path: `/snapshots/${STREAM}/latest?at=3` })).status).toBe(400)
    const wrong = await client.send({ path: `/snapshots/${STREAM}` })
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST'])
  })

  it('that are wrong are not shown but counted, and replaced by the next', async () => {
    await reprice(6)
    expect((await take()).status).toBe(201)
    const before = await ignored()
    await stored().updateOne({ stream: STREAM, version: 6 }, { $set: { 'state.price.amount': 666 } })
    expect((await latest()).json()).toMatchObject({ version: 5, state: listedAt(5) })
    expect((await ignored()) - before).toBe(1)
    const replaced = await take()
    expect([replaced.status, replaced.json()]).toEqual([
      201,
      expect.objectContaining({ version: 6, checksum: checksumOf(listedAt(6)) }),
    ])
    expect((await latest()).json()).toMatchObject({ version: 6, state: listedAt(6) })
  })

  it('that are wrong never reach a decision', async () => {
    await stored().updateMany({ stream: STREAM }, { $set: { state: { status: 'retired' } } })
    // Another replica, which knows nothing of the product yet.
    const other = await startServiceProcess('command-api', servers)
    const otherClient = httpClient(other.url)
    try {
      const answer = await otherClient.send({
        method: 'POST',
        path: `/products/${ID}/reprice`,
        headers: headersWith({ 'idempotency-key': randomUUID() }),
        body: JSON.stringify({ price: { amount: 7, currency: 'EUR' } }),
      })
      expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ version: 7 })])
    } finally {
      await otherClient.close()
      await other.stop()
    }
    expect((await take()).json()).toMatchObject({ version: 7, checksum: checksumOf(listedAt(7)) })
  })
})
