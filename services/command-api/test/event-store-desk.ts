import { randomUUID } from 'node:crypto'
import { connectCodec, toMessageKey, topics } from '@millrace/events'
import { partitionFor } from '@millrace/kafka'
import { mongoEventStore, mongoPublications } from '@millrace/mongo'
import { eventually, orderPaid, orderPlaced } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { headersWith, placeText } from './bad-requests.ts'

const TOPIC = topics['orders.order.events']
const PRODUCT = '{"name":"Mill","category":"machines","price":{"amount":5,"currency":"EUR"}}'

/** An event as the API shows it. */
export type ShownEvent = {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly version: number
  readonly occurredAt: string
  readonly sequence?: number
}
type Page<Next> = { readonly events: ShownEvent[]; readonly next: Next; readonly caughtUp?: boolean }

export type WrittenOrder = { readonly stream: string; readonly ids: readonly string[] }

/** command-api with its relay, on a database of its own. */
export type EventStoreDesk = {
  readonly servers: TestServers
  readonly service: ServiceProcess
  readonly client: HttpClient
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>
  /** A page as JSON; throws when the answer is another. */
  page<Next>(path: string): Promise<Page<Next>>
  /** Page by page until it has caught up, behind `next` or from the beginning. */
  follow(path: string, next?: string, count?: number): Promise<{ events: ShownEvent[]; next: string }>
  /** Three commits of one event each. */
  writeOrder(): Promise<WrittenOrder>
  /** One commit; gives the id of its event. */
  addProduct(): Promise<string>
  /** One commit of two events, on the order `key` of the tenant `other`. */
  writeForeignOrder(key: string): Promise<string[]>
  allPublished(): Promise<unknown>
  close(): Promise<void>
}

export const openEventStoreDesk = async (name: string): Promise<EventStoreDesk> => {
  const servers = await prepareServers({ name })
  const service = await startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' })
  const client = httpClient(service.url)

  const get: EventStoreDesk['get'] = (path, headers = {}) => client.send({ path, headers })

  const page = async <Next>(path: string): Promise<Page<Next>> => {
    const answer = await get(path)
    if (answer.status !== 200) throw new Error(`${path} was answered with ${answer.text}`)
    return answer.json() as Page<Next>
  }

  const command = async (path: string, body: string): Promise<string> => {
    const headers = headersWith({ 'idempotency-key': randomUUID() })
    const answer = await client.send({ method: 'POST', path, body, headers })
    const [event] = (answer.json()['events'] ?? []) as ShownEvent[]
    if (!event) throw new Error(`${path} was answered with ${answer.text}`)
    return event.id
  }

  return {
    servers,
    service,
    client,
    get,
    page,
    follow: async (path, next = '', count = 7) => {
      const events: ShownEvent[] = []
      for (let from = next; ;) {
        const query = `count=${count}${from === '' ? '' : `&from=${from}`}`
        const answered = await page<string>(`${path}?${query}`)
        if (answered.events.length > count) throw new Error(`${path}?${query} gave too many events`)
        events.push(...answered.events)
        from = answered.next
        if (answered.caughtUp === true) return { events, next: from }
      }
    },
    writeOrder: async () => {
      const id = `o-${randomUUID()}`
      const ids = [
        await command(`/orders/${id}/place`, placeText),
        await command(`/orders/${id}/pay`, '{"method":"card"}'),
        await command(`/orders/${id}/ship`, '{"carrier":"DHL"}'),
      ]
      return { stream: `orders.order-${id}`, ids }
    },
    addProduct: () => command(`/products/p-${randomUUID()}/add`, PRODUCT),
    writeForeignOrder: (key) => writeForeignOrder(servers, key),
    allPublished: () =>
      eventually(
        async () => ({
          pending: await mongoPublications(servers.mongoConnection).countPending(),
          // A record is done a moment after its commits are marked as published.
          open: await servers.mongoConnection.db.collection('publications').countDocuments({ state: 'open' }),
        }),
        ({ pending, open }) => pending + open === 0,
      ),
    close: async () => {
      await client.close()
      await service.stop()
      await servers.stop()
    },
  }
}

const writeForeignOrder = async (
  { mongoConnection, registry }: TestServers,
  key: string,
): Promise<string[]> => {
  const codec = await connectCodec({ registryUrl: registry })
  const events = [orderPlaced(), orderPaid()].map((event) => ({
    id: randomUUID(),
    type: event.type,
    occurredAt: Date.now(),
    bytes: codec.encode(TOPIC.name, event),
  }))
  const { type } = await mongoEventStore(mongoConnection).append({
    _id: randomUUID(),
    tenant: 'other',
    stream: `orders.order-${key}`,
    key,
    first: 1,
    topic: TOPIC.name,
    partition: partitionFor(toMessageKey({ tenant: 'other', key }), TOPIC.partitions),
    order: Date.now() * 1000,
    events,
    correlationId: 'c',
    causationId: 'c',
    actor: 'somebody',
    idempotency: { principal: 'somebody', route: 'test', key, fingerprint: 'f' },
  })
  if (type !== 'appended') throw new Error(`the commit was not appended: ${type}`)
  return events.map(({ id }) => id)
}

export const idsOf = (events: readonly ShownEvent[]): string[] => events.map(({ id }) => id)
