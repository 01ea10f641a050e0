import { processes, projections } from '@millrace/domain'
import { topics } from '@millrace/events'
import type { HttpAnswer, HttpRequest } from '../support/http-client.ts'
import {
  addBody,
  FIRST,
  heartbeat,
  LOGS,
  placeBody,
  postJson,
  READ_MODEL_IDS,
  SECRET,
  type Holdings,
  type ServiceName,
} from './two-tenants.ts'

/** A request of the second tenant with something of the first one's, and what it must hear. */
export type Probe = {
  readonly request: HttpRequest
  readonly status: number
  /** What the answer has to have, beside nothing of the first tenant's. */
  readonly holds?: (answer: HttpAnswer) => boolean
}

type Walk = (theirs: Holdings) => readonly Probe[]

const get = (path: string, status: number, holds?: Probe['holds']): Probe => ({
  request: { path },
  status,
  ...(holds ? { holds } : {}),
})

const post = (request: HttpRequest, status: number, holds?: Probe['holds']): Probe => ({
  request,
  status,
  ...(holds ? { holds } : {}),
})

const isEmptyList = (answer: HttpAnswer): boolean =>
  answer.text === '{"items":[],"next":null}' && answer.headers['etag'] !== undefined

const isEmptyLog = (answer: HttpAnswer): boolean => (answer.json()['events'] as unknown[]).length === 0

/** Not the first tenant's answer given again, and of a stream that begins. */
const isNewAndFirst = (answer: HttpAnswer): boolean =>
  answer.headers['idempotent-replayed'] === undefined && answer.json()['version'] === 1

const isAtNoVersion = (answer: HttpAnswer): boolean => answer.json()['currentVersion'] === 0

const isRejected = (answer: HttpAnswer): boolean => /not-found/.test(String(answer.json()['rejection']))

const keyed = (key: string) => ({ 'idempotency-key': key })

const ofOrder = ({ order }: Holdings): string => `orders.order-${order}`
const ofProduct = ({ product }: Holdings): string => `catalog.product-${product}`

const logWalk =
  (path: string): Walk =>
  ({ logPositions }) => [
    get(path, 200, isEmptyLog),
    get(`${path}?from=${logPositions[path]}`, 400),
    ...LOGS.map((log) => get(`${path}?from=${logPositions[log]}`, 400)),
  ]

/** To a path of the first tenant's id, as if it was there. */
const commandWalk =
  (path: (theirs: Holdings) => string, body: unknown): Walk =>
  (theirs) => [
    post(postJson(path(theirs), body), 422, isRejected),
    post(postJson(path(theirs), body, { 'if-match': '"2"' }), 412, isAtNoVersion),
    post(postJson(path(theirs), body, { 'if-match': '*' }), 412, isAtNoVersion),
  ]

const orderWalk = (name: string, body: unknown): Walk =>
  commandWalk(({ order }) => `/orders/${order}/${name}`, body)

const productWalk = (name: string, body: unknown): Walk =>
  commandWalk(({ product }) => `/products/${product}/${name}`, body)

const opsPost = (action: string, body: object = {}): HttpRequest =>
  postJson(`/projections/order-summary/${action}`, body)

/** What only asks: after it the second tenant still has nothing. */
const asking: Readonly<Record<ServiceName, Readonly<Record<string, Walk>>>> = {
  'command-api': {
    'GET /streams/$all': logWalk('/streams/$all'),
    'GET /categories/{name}': logWalk('/categories/orders.order'),
    'GET /types/{type}': logWalk('/types/OrderPlaced'),
    'GET /streams/{id}': (theirs) => [
      get(`/streams/${ofOrder(theirs)}`, 404),
      get(`/streams/${ofOrder(theirs)}?direction=backward`, 404),
      get(`/streams/${FIRST}%2F${ofOrder(theirs)}`, 400),
      ...theirs.eventIds.map((id) => get(`/streams/${id}`, 404)),
    ],
    'GET /streams/{id}/metadata': (theirs) => [
      get(`/streams/${ofOrder(theirs)}/metadata`, 404),
      get(`/streams/${ofProduct(theirs)}/metadata`, 404),
    ],
    'GET /snapshots/{id}/latest': (theirs) => [get(`/snapshots/${ofOrder(theirs)}/latest`, 404)],
    'POST /snapshots/{id}': (theirs) => [
      post({ method: 'POST', path: `/snapshots/${ofOrder(theirs)}` }, 404),
      post({ method: 'POST', path: `/snapshots/${ofProduct(theirs)}` }, 404),
    ],
    'POST /orders/{id}/pay': orderWalk('pay', { method: 'card' }),
    'POST /orders/{id}/ship': orderWalk('ship', { carrier: 'DHL' }),
    'POST /orders/{id}/deliver': orderWalk('deliver', {}),
    'POST /orders/{id}/cancel': orderWalk('cancel', { reason: 'x' }),
    'POST /orders/{id}/return': orderWalk('return', { reason: 'x' }),
    'POST /products/{id}/reprice': productWalk('reprice', { price: { amount: 1, currency: 'EUR' } }),
    'POST /products/{id}/retire': productWalk('retire', {}),
  },
  // Projections are of all tenants; what is told of documents is of the caller's own.
  ops: {
    'GET /projections': () => [get('/projections', 200)],
    'GET /projections/{name}/state': () => [get('/projections/order-summary/state', 200)],
    'POST /projections/{name}/compare': () => [post(opsPost('compare'), 409)],
    'POST /projections/{name}/switch': () => [post(opsPost('switch'), 409)],
    'POST /projections/{name}/rollback': () => [post(opsPost('rollback'), 409)],
    'POST /projections/{name}/drop': () => [post(opsPost('drop', { build: 'v1' }), 409)],
  },
  'query-api': {
    'GET /read-models': () => [get('/read-models', 200)],
    'GET /snap': ({ cursors, snapCursor, positions }) => [
      get('/snap', 200, isEmptyList),
      ...['d', 'd-1', FIRST, `${FIRST}/`, `../${FIRST}/`, SECRET].map((prefix) =>
        get(`/snap?prefix=${encodeURIComponent(prefix)}`, 200, isEmptyList),
      ),
      ...[...Object.values(cursors), snapCursor, ...positions].map((cursor) =>
        get(`/snap?cursor=${cursor}`, 400),
      ),
    ],
    'GET /snap/{key}': ({ positions }) => [
      ...[...READ_MODEL_IDS, `${FIRST}%2Fd-1`, `..%2F${FIRST}%2Fd-1`].map((key) => get(`/snap/${key}`, 404)),
      ...positions.map((position) => get(`/snap/d-1?after=${position}`, 400)),
    ],
    'GET /streams/{id}/state': (theirs) => [
      get(`/streams/${ofOrder(theirs)}/state`, 404),
      get(`/streams/${ofOrder(theirs)}/state?version=1`, 404),
      get(`/streams/${ofProduct(theirs)}/state`, 404),
    ],
    ...Object.fromEntries(
      projections.flatMap(({ name, kind, filters, sources }): [string, Walk][] => [
        ...(kind === 'on-demand'
          ? []
          : [[`GET /read-models/${name}`, listWalk(name, Object.keys(filters))] satisfies [string, Walk]]),
        [`GET /read-models/${name}/{id}`, documentWalk(name, name === processes.name ? 404 : 400)],
        ...(sources.every((source) => topics[source].kind === 'events')
          ? [[`GET /read-models/${name}/{id}/why`, whyWalk(name)] satisfies [string, Walk]]
          : []),
      ]),
    ),
  },
}

function listWalk(name: string, filters: readonly string[]): Walk {
  const path = `/read-models/${name}`
  return ({ cursors, positions, customer }) => [
    get(path, 200, isEmptyList),
    ...filters
      .filter((filter) => ['customerId', 'host', 'name'].includes(filter))
      .map((filter) => get(`${path}?${filter}=${customer}`, 200, isEmptyList)),
    ...Object.values(cursors).map((cursor) => get(`${path}?limit=1&cursor=${cursor}`, 400)),
    ...positions.map((position) => get(`${path}?after=${position}`, 400)),
  ]
}

/** `slashed`: ids of aggregates have no slash, so that one with it is no id at all; keys of processes may have one. */
function documentWalk(name: string, slashed: 400 | 404): Walk {
  const path = `/read-models/${name}`
  return ({ order, customer, positions }) => [
    ...[...READ_MODEL_IDS, order, customer].map((id) => get(`${path}/${id}`, 404)),
    ...positions.map((position) => get(`${path}/d-1?after=${position}`, 400)),
    ...[`${FIRST}%2Fd-1`, `..%2F${FIRST}%2Fd-1`].map((id) => get(`${path}/${id}`, slashed)),
  ]
}

function whyWalk(name: string): Walk {
  const path = `/read-models/${name}`
  return ({ order, product, customer, whyCursors }) => [
    ...[...READ_MODEL_IDS, order, product, customer].flatMap((id) => [
      get(`${path}/${id}/why`, 404),
      get(`${path}/${id}/why?field=customerId`, 404),
    ]),
    ...Object.entries(whyCursors).flatMap(([theirPath, cursor]) => [
      get(`${theirPath}&cursor=${cursor}`, 400),
      get(`${path}/${order}/why?cursor=${cursor}`, 400),
    ]),
  ]
}

/** What makes something: of the second tenant's own, under the very same ids and keys. */
const making: Readonly<Record<ServiceName, Readonly<Record<string, Walk>>>> = {
  'command-api': {
    'POST /orders/{id}/place': ({ order, twin, keys }) => [
      post(postJson(`/orders/${twin}/place`, placeBody('c-1'), keyed(keys.place)), 200, isNewAndFirst),
      post(postJson(`/orders/${order}/place`, placeBody('c-2')), 200, isNewAndFirst),
    ],
    'POST /products/{id}/add': ({ product }) => [
      post(postJson(`/products/${product}/add`, addBody('Mill'), { 'if-match': '"2"' }), 412, isAtNoVersion),
    ],
    'POST /streams/{id}/events': (theirs) => {
      const added = [{ type: 'ProductAdded', data: addBody('Mill') }]
      const path = `/streams/${ofProduct(theirs)}/events`
      return [
        post(postJson(path, added, { 'expected-version': '2' }), 409, isAtNoVersion),
        post(
          postJson(path, added, { ...keyed(theirs.keys.append), 'expected-version': 'none' }),
          200,
          isNewAndFirst,
        ),
      ]
    },
    'POST /heartbeats': () => [post(postJson('/heartbeats', [heartbeat(SECRET)]), 202)],
  },
  ops: {
    'POST /projections': () => [post(postJson('/projections', { name: 'order-summary' }), 200)],
    'POST /projections/{name}/verify': () => [post(opsPost('verify'), 202)],
    'POST /projections/{name}/rebuild': () => [post(opsPost('rebuild'), 202)],
    'POST /projections/{name}/reset': () => [post(opsPost('reset'), 202)],
    'POST /projections/{name}/pause': () => [post(opsPost('pause'), 200)],
    'POST /projections/{name}/resume': () => [post(opsPost('resume'), 200)],
  },
  'query-api': {},
}

export const walks = { asking, making }
