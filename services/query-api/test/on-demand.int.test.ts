import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

// There is no projector: nothing keeps these documents.
describe('a read model that is folded on demand', () => {
  let servers: TestServers
  let services: ServiceProcess[]
  let commands: HttpClient
  let queries: HttpClient
  let position: string
  beforeAll(async () => {
    servers = await prepareServers({ name: 'on-demand' })
    services = await Promise.all([
      startServiceProcess('command-api', servers),
      startServiceProcess('query-api', servers),
    ])
    const [commandApi, queryApi] = services.map(({ url }) => httpClient(url)) as [HttpClient, HttpClient]
    commands = commandApi
    queries = queryApi
    await command('add', { name: 'Mill', category: 'tools', price: { amount: 100, currency: 'EUR' } })
    position = String(
      (await command('reprice', { price: { amount: 90, currency: 'EUR' } })).json()['position'],
    )
  })
  afterAll(async () => {
    await Promise.all([commands.close(), queries.close()])
    await Promise.all(services.map((service) => service.stop()))
    await servers.stop()
  })

  const command = async (name: string, body: object): Promise<HttpAnswer> => {
    const answer = await commands.send({
      method: 'POST',
      path: `/products/p-1/${name}`,
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
    })
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer
  }

  it('is never behind what was acknowledged', async () => {
    const read = await queries.send({ path: `/read-models/product-history/p-1?after=${position}&timeout=0` })
    expect([read.status, read.headers['millrace-state']]).toEqual([200, 'fresh'])
    expect(read.json()).toMatchObject({
      productId: 'p-1',
      prices: [
        { price: { amount: 100 }, version: 1 },
        { price: { amount: 90 }, version: 2 },
      ],
      retiredAt: null,
    })
  })

  it('has an ETag, and says which events made it', async () => {
    const { headers } = await queries.send({ path: '/read-models/product-history/p-1' })
    const again = await queries.send({
      path: '/read-models/product-history/p-1',
      headers: { 'if-none-match': String(headers['etag']) },
    })
    expect(again.status).toBe(304)
    const why = (await queries.send({ path: '/read-models/product-history/p-1/why?field=prices' })).json()
    expect(why).toMatchObject({ complete: true, items: [{ state: 'applied' }, { state: 'applied' }] })
  })

  it('has no lists, and no document of what there is not', async () => {
    expect((await queries.send({ path: '/read-models/product-history' })).status).toBe(404)
    expect((await queries.send({ path: '/read-models/product-history/p-2' })).status).toBe(404)
  })
})
