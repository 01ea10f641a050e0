import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { profiledDuring, type Profiled } from '../../../test/support/profiled-commands.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { badQueries } from './bad-queries.ts'
import { orderRows, writeRows } from './read-model-fixture.ts'

const ORDERS = { projection: 'order-summary.v1', topic: 'orders.order.events', partition: 0 }
const LIST = '/read-models/order-summary'

/** By their numbers in the list of bad inputs: nothing of them may come to MongoDB. */
const refused: readonly (readonly [number, string])[] = [
  ...badQueries.map((query) => [65, `${LIST}?${query}`] as const),
  [65, `${LIST}?customerId[$ne]=x`],
  [65, `${LIST}?customerId[$gt]=`],
  [65, `${LIST}?customerId.$ne=x`],
  [65, `${LIST}?$expr={"$eq":[1,1]}`],
  [65, `${LIST}?$function={"body":"f","args":[],"lang":"js"}`],
  [65, `${LIST}?placedAtFrom={"$gt":""}`],
  [65, `${LIST}?placedAtFrom[$gt]=0`],
  [66, `${LIST}?limit=1e9`],
  [66, `${LIST}?limit[$gt]=0`],
  [67, `${LIST}?sort=customerId`],
  [67, `${LIST}?sort=$natural`],
  [67, `${LIST}?sort[$meta]=textScore`],
  [68, `${LIST}?cursor=${Buffer.from('{"value":{"$gt":""},"id":"demo/o-1"}').toString('base64url')}`],
  [68, `${LIST}?cursor[$gt]=`],
  [70, `${LIST}?fields=password,_internal`],
  [70, `${LIST}/o-001?fields=_tenant`],
]

/** They are text, and are looked for as the text they are. */
const text: readonly (readonly [number, string])[] = [
  [65, `${LIST}?customerId={"$ne":null}`],
  [65, `${LIST}?customerId=$where`],
  [65, `${LIST}/{"$gt":""}`],
  [69, `${LIST}?customerId=(a%2B)%2B$`],
  [69, `${LIST}?customerId=${'(a%2B)%2B'.repeat(1_000)}`],
]

const filterOf = ({ command }: Profiled): unknown => command?.['filter']

const operatorsIn = (filter: unknown): string[] => {
  if (typeof filter !== 'object' || filter === null) return []
  return Object.entries(filter).flatMap(([name, value]) => [
    ...(name.startsWith('$') ? [name] : []),
    ...operatorsIn(value),
  ])
}

describe('no operator of a request', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-operators' })
    await writeRows(servers.mongoConnection, ORDERS, { rows: orderRows })
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
    // The document that answers are held against is loaded with the first one.
    await client.send({ path: LIST })
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const askAll = async (paths: readonly (readonly [number, string])[]) => {
    const answers: [string, HttpAnswer][] = []
    const profiled = await profiledDuring(servers.mongoConnection.db, async () => {
      for (const [, path] of paths) answers.push([path, await client.send({ path })])
    })
    return { answers, profiled }
  }

  it('65-68, 70: comes to MongoDB, nor does the request', async () => {
    const { answers, profiled } = await askAll(refused)
    const others = answers.filter(([, { status }]) => status !== 400)
    expect(others.map(([path, { status }]) => `${status} ${path}`)).toEqual([])
    expect(profiled).toEqual([])
  })

  it('65, 69: is more than text', async () => {
    const { answers, profiled } = await askAll(text)
    for (const [path, { status, text: body }] of answers)
      expect([path, status, path.includes('?') ? body : '']).toEqual(
        path.includes('?') ? [path, 200, '{"items":[],"next":null}'] : [path, 404, ''],
      )
    expect(profiled).toHaveLength(text.length)
    const operators = new Set(profiled.map(filterOf).flatMap(operatorsIn))
    expect([...operators].toSorted()).toEqual(['$and', '$eq'])
  })

  it('stands beside those that are written for it', async () => {
    const first = `${LIST}?limit=2&sort=-total&status=paid&placedAtFrom=0&placedAtTo=2000-01-01`
    const { next } = (await client.send({ path: first })).json()
    const { answers, profiled } = await askAll([[65, `${first}&cursor=${String(next)}`]])
    expect(answers[0]?.[1].status).toBe(200)
    const operators = new Set(profiled.map(filterOf).flatMap(operatorsIn))
    expect([...operators].toSorted()).toEqual(['$and', '$eq', '$gte', '$lt', '$or'])
  })
})
