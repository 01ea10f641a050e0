import type { BadRequest } from '../../../test/support/bad-inputs/bad-input.ts'

/** What can be no stream is never looked for. */
const noStreams: readonly string[] = [
  'a%00b',
  'a%0Ab',
  'a%2Fb',
  '..%2Fb',
  '%2E%2E%2F%2E%2E%2Fb',
  'demo%2Forders.order-o-1',
  '%C3%BC',
  'orders.order-',
  'orders.order-%2E%2E',
  'orders.order-a%20b',
  'orders.order-%E2%80%8B',
  `orders.order-${'a'.repeat(129)}`,
  'a'.repeat(10_000),
  '{"$ne":null}',
]

const refused: readonly (readonly [path: string, status: 400 | 404])[] = [
  ['/streams/orders.order-o-1?count=0', 400],
  ['/streams/orders.order-o-1?count=1001', 400],
  ['/streams/orders.order-o-1?count=abc', 400],
  ['/streams/orders.order-o-1?count=', 400],
  ['/streams/orders.order-o-1?count=1&count=1', 400],
  ['/streams/orders.order-o-1?from=0', 400],
  ['/streams/orders.order-o-1?from=-1', 400],
  ['/streams/orders.order-o-1?from=1.5', 400],
  ['/streams/orders.order-o-1?from=99999999999999999999', 400],
  ['/streams/orders.order-o-1?from[$gt]=1', 400],
  ['/streams/orders.order-o-1?direction=up', 400],
  ['/streams/orders.order-o-1?limit=1', 400],
  ['/streams/orders.order-o-1?__proto__=1', 400],
  ['/streams/orders.order-o-1/metadata?from=1', 400],
  ['/streams/%zz', 400],
  ['/streams/$all?from=garbage', 400],
  ['/streams/$all?from=', 400],
  ['/streams/$all?from=1', 400],
  ['/streams/$all?direction=backward', 400],
  ['/streams/$all?count=0', 400],
  ['/streams/%24all?count=0', 400],
  ['/categories/orders.order?from=1', 400],
  ['/categories/orders.order?direction=forward', 400],
  ['/types/OrderPlaced?from=1', 400],
  ['/types/OrderPlaced?count=1e2', 400],
  ['/streams/orders.order-none', 404],
  ['/streams/orders.order-none?from=5', 404],
  ['/streams/orders.order-none?direction=backward', 404],
  ['/streams/orders.order-none/metadata', 404],
  ['/streams/orders.order', 404],
  ['/streams/$none', 404],
  ['/streams/$all/metadata', 404],
  ['/streams', 404],
  ['/categories/orders', 404],
  ['/categories/orders.order.events', 404],
  ['/categories/$all', 404],
  ['/categories/__proto__', 404],
  ['/categories', 404],
  ['/types/orderPlaced', 404],
  ['/types/HeartbeatReceived', 404],
  ['/types/constructor', 404],
  ['/types', 404],
]

/** Requests that no read of the event store answers. */
export const badReads: Readonly<Record<string, BadRequest>> = Object.fromEntries([
  ...refused.map(([path, status]): [string, BadRequest] => [path, { path, status }]),
  ...noStreams
    .flatMap((id) => [`/streams/${id}`, `/streams/${id}/metadata`, `/snapshots/${id}/latest`])
    .map((path): [string, BadRequest] => [
      `50: ${path}`,
      { path, status: 400, detail: /^id: must be a stream such as/ },
    ]),
])
