import { randomUUID } from 'node:crypto'
import {
  contexts,
  isFed,
  projections,
  versionedName,
  type AnyProjection,
  type Document,
} from '@millrace/domain'
import { topicNames } from '@millrace/events'
import { documentId, mongoProjectionStore, mongoPublications, partialId } from '@millrace/mongo'
import { scopesOf } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient, type HttpRequest } from '../support/http-client.ts'
import { startServiceProcess } from '../support/service-process.ts'
import { IDENTITY_ENV, signedToken } from '../support/signed-token.ts'
import { prepareServers, type TestServers } from '../support/test-servers.ts'

export type ServiceName = 'command-api' | 'ops' | 'query-api'

/** Holds everything; the second one asks for it. */
export const FIRST = 'acme'
export const SECOND = 'other'

/** In whatever the first tenant has and the second one does not know. */
export const SECRET = `secret-${randomUUID()}`

const SCOPES = scopesOf({ contexts: contexts.map(({ name }) => name), topics: topicNames })

export type Caller = (service: ServiceName, request: HttpRequest) => Promise<HttpAnswer>

/** Both tenants, the same principal in both, before the same services. */
export type TwoTenants = {
  readonly servers: TestServers
  readonly first: Caller
  readonly second: Caller
  /** Without a token. */
  readonly nobody: Caller
  /** The running service's own list: `GET /streams/{id}`. */
  routesOf(service: ServiceName): Promise<string[]>
  /** All that is stored of a tenant, by collection. */
  storedOf(tenant: string): Promise<Readonly<Record<string, readonly unknown[]>>>
  /** Tenants that anything is stored of. */
  tenants(): Promise<string[]>
  close(): Promise<void>
}

export const openTwoTenants = async (): Promise<TwoTenants> => {
  const servers = await prepareServers({ name: 'two-tenants' })
  const env = { ...IDENTITY_ENV, RELAY_POLL_MS: '20' }
  const commandApi = await startServiceProcess('command-api', servers, env)
  const queryApi = await startServiceProcess('query-api', servers, env)
  const ops = await startServiceProcess('ops', servers, { ...env, CHECK_EVERY_MS: '0' })
  const clients: Readonly<Record<ServiceName, HttpClient>> = {
    'command-api': httpClient(commandApi.url),
    ops: httpClient(ops.url),
    'query-api': httpClient(queryApi.url),
  }
  const callerOf = (tenant: string): Caller => {
    const authorization = `Bearer ${signedToken(SCOPES, tenant)}`
    return (service, request) =>
      clients[service].send({ ...request, headers: { authorization, ...request.headers } })
  }
  return {
    servers,
    first: callerOf(FIRST),
    second: callerOf(SECOND),
    nobody: (service, request) => clients[service].send(request),
    routesOf: async (service) => {
      const { paths } = (await clients[service].send({ path: '/openapi.json' })).json()
      return Object.entries(paths as Record<string, object>).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      )
    },
    storedOf: (tenant) => storedOf(servers, tenant),
    tenants: () => tenantsIn(servers),
    close: async () => {
      for (const client of Object.values(clients)) await client.close()
      await Promise.all([commandApi, queryApi, ops].map((service) => service.stop()))
      await servers.stop()
    },
  }
}

const collectionsIn = async ({ mongoConnection: { db } }: TestServers) =>
  (await db.collections()).toSorted((a, b) => (a.collectionName < b.collectionName ? -1 : 1))

const storedOf = async (servers: TestServers, tenant: string) => {
  const own = { $or: [{ tenant }, { _tenant: tenant }, { _id: { $regex: `^${tenant}/` } as never }] }
  const found = (await collectionsIn(servers)).map(async (collection): Promise<[string, unknown[]]> => [
    collection.collectionName,
    await collection.find(own).sort({ _id: 1 }).toArray(),
  ])
  return Object.fromEntries((await Promise.all(found)).filter(([, documents]) => documents.length > 0))
}

const tenantsIn = async (servers: TestServers): Promise<string[]> => {
  const named = (await collectionsIn(servers)).flatMap((collection) =>
    ['tenant', '_tenant'].map((field) => collection.distinct(field) as Promise<string[]>),
  )
  return [...new Set((await Promise.all(named)).flat())].toSorted()
}

export const allPublished = ({ servers: { mongoConnection } }: TwoTenants): Promise<unknown> =>
  eventually(
    async () => ({
      pending: await mongoPublications(mongoConnection).countPending(),
      open: await mongoConnection.db.collection('publications').countDocuments({ state: 'open' }),
    }),
    ({ pending, open }) => pending + open === 0,
  )

/** What a tenant got for its own requests: all that another one may come with. */
export type Holdings = {
  readonly order: string
  /** An order that the other tenant places too, to the byte and under the same key. */
  readonly twin: string
  readonly product: string
  readonly customer: string
  /** By the path of the log. */
  readonly logPositions: Readonly<Record<string, string>>
  /** By the name of the read model. */
  readonly cursors: Readonly<Record<string, string>>
  /** Of the reasons of the order and of its customer's documents, by the path that gave them. */
  readonly whyCursors: Readonly<Record<string, string>>
  readonly snapCursor: string
  /** Of the last command, and of the heartbeats. */
  readonly positions: readonly string[]
  /** Of the requests below; each has one of its own. */
  readonly keys: Readonly<Record<'place' | 'append', string>>
  readonly eventIds: readonly string[]
}

const JSON_TYPE = { 'content-type': 'application/json' }

export const postJson = (path: string, body: unknown, headers = {}): HttpRequest => ({
  method: 'POST',
  path,
  headers: { ...JSON_TYPE, 'idempotency-key': randomUUID(), ...headers },
  body: JSON.stringify(body),
})

export const placeBody = (customerId: string) => ({
  customerId,
  currency: 'EUR',
  lines: [{ productId: 'p-1', quantity: 1, amount: 5 }],
})

export const addBody = (name: string) => ({
  name,
  category: 'machines',
  price: { amount: 5, currency: 'EUR' },
})

export const heartbeat = (host: string) => ({
  ...{ host, name: 'p', pid: 1, startedAt: 0, at: 1, beat: 1, cpu: 0, rss: 1 },
})

export const LOGS = ['/streams/$all', '/categories/orders.order', '/types/OrderPlaced'] as const

const succeeded = async (call: Promise<HttpAnswer>): Promise<Record<string, unknown>> => {
  const answer = await call
  if (answer.status >= 300) throw new Error(`answered ${answer.status}: ${answer.text}`)
  return answer.json()
}

/** One of everything, and enough of it for a second page. */
export const fillFirst = async (stage: TwoTenants): Promise<Holdings> => {
  const order = `o-${randomUUID()}`
  const twin = `o-${randomUUID()}`
  const product = `p-${randomUUID()}`
  const keys = { place: randomUUID(), append: randomUUID() }
  const command = (request: HttpRequest) => succeeded(stage.first('command-api', request))
  const keyed = (key: string) => ({ 'idempotency-key': key })

  const placed = await command(postJson(`/orders/${order}/place`, placeBody(SECRET)))
  const paid = await command(postJson(`/orders/${order}/pay`, { method: SECRET }))
  await command(postJson(`/orders/o-${randomUUID()}/place`, placeBody(`${SECRET}-2`)))
  const twinned = await command(postJson(`/orders/${twin}/place`, placeBody('c-1'), keyed(keys.place)))
  await command(postJson(`/products/${product}/add`, addBody(SECRET)))
  const retired = [{ type: 'ProductRetired', data: {}, metadata: { source2: SECRET } }]
  const appending = { ...keyed(keys.append), 'expected-version': '1' }
  await command(postJson(`/streams/catalog.product-${product}/events`, retired, appending))
  await command({ method: 'POST', path: `/snapshots/orders.order-${order}` })
  const heard = await command(postJson('/heartbeats', [heartbeat(SECRET)]))
  await allPublished(stage)
  await writeReadModels(stage)

  const query = (path: string) => succeeded(stage.first('query-api', { path }))
  const listed = projections
    .filter(({ kind }) => kind !== 'on-demand')
    .map(async ({ name }): Promise<[string, string]> => {
      const { next } = await query(`/read-models/${name}?limit=1`)
      return [name, String(next)]
    })
  const explained = [`order-summary/${order}`, `customer-dashboard/${SECRET}`].map(
    async (document): Promise<[string, string]> => {
      const path = `/read-models/${document}/why?limit=1`
      return [path, String((await query(path))['next'])]
    },
  )
  const followed = LOGS.map(async (path): Promise<[string, string]> => {
    const { next } = await command({ path })
    return [path, String(next)]
  })
  return {
    ...{ order, twin, product, keys, customer: SECRET },
    snapCursor: String((await query('/snap?limit=1'))['next']),
    positions: [String(paid['position']), String(heard['position'])],
    logPositions: Object.fromEntries(await Promise.all(followed)),
    cursors: Object.fromEntries(await Promise.all(listed)),
    whyCursors: Object.fromEntries(await Promise.all(explained)),
    eventIds: [placed, paid, twinned].flatMap(({ events }) =>
      (events as { id: string }[]).map(({ id }) => id),
    ),
  }
}

export const READ_MODEL_IDS = ['d-1', 'd-2']

/** Of any shape, but where a view has to make something of it. */
const fieldsOf = ({ name }: AnyProjection, key: string): Document => ({
  ...{ key, customerId: SECRET, host: SECRET, name: SECRET },
  ...(name === 'processes' ? { changedAt: 1, version: 1 } : {}),
  ...(name === 'product-metrics' ? { productId: SECRET, changes: [], sales: [] } : {}),
})

/** As a projector would have; the inline ones have changed with the commits. */
const writeReadModels = async ({ servers: { mongoConnection } }: TwoTenants): Promise<void> => {
  const store = mongoProjectionStore(mongoConnection)
  for (const projection of projections.filter(isFed)) {
    const id = { projection: versionedName(projection), topic: projection.sources[0] ?? '', partition: 0 }
    const from = await store.claim(id, { owner: 'test', incarnation: 1 })
    const { topic, partition } = id
    const writes = READ_MODEL_IDS.map((key) => ({
      id:
        projection.kind === 'grouped'
          ? partialId({ tenant: FIRST, key, part: '', topic, partition })
          : documentId({ tenant: FIRST, key }),
      ...{ tenant: FIRST, sequence: 1, fields: fieldsOf(projection, key) },
    }))
    const outcome = await store.commit(id, { from, to: { ...from, nextOffset: 1, lastSequence: 1 }, writes })
    if (outcome !== 'applied') throw new Error(`the documents were ${outcome}`)
  }
}
