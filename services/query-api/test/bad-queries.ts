import type { BadRequest } from '../../../test/support/bad-inputs/bad-input.ts'

/** Query strings that no list of orders answers. */
export const badQueries: readonly string[] = [
  'status=gone',
  'status=',
  'status=paid&status=placed',
  'placedAtFrom=yesterday',
  'placedAtFrom=order%201',
  'placedAtFrom=1997-01-05T00:00:00',
  'placedAtFrom=1e999',
  'placedAtFrom=-',
  'total=5',
  '_tenant=other',
  '__proto__=1',
  'constructor=1',
  'sort=version',
  'sort=__proto__',
  'sort=',
  'sort=-',
  'sort=--total',
  'sort=total.amount',
  'sort=total&sort=placedAt',
  'limit=0',
  'limit=-1',
  'limit=201',
  'limit=1e2',
  'limit=1.5',
  'limit=abc',
  'limit=',
  'limit=1&limit=2',
  'status[$ne]=x',
  'status%5B%24ne%5D=x',
  'status={"$gt":""}',
  'customerId[$regex]=.*',
  '$where=sleep(5000)',
  'filter={"$where":"sleep(5000)"}',
  'customerId=%',
  'customerId=%zz',
  'customerId=%00',
  'customerId=%FF',
  'customerId=%E0%A4%A',
  'customerId=a%ED%A0%80',
  'cursor=garbage',
  'cursor=',
  'cursor=a&cursor=b',
]

const ORDERS = '/read-models/order-summary'

const refused: readonly (readonly [path: string, status: number])[] = [
  ...badQueries.map((query) => [`${ORDERS}?${query}`, 400] as const),
  ['/read-models/orders', 404],
  ['/read-models/orders/o-001', 404],
  ['/read-models/__proto__/o-001', 404],
  [`${ORDERS}/a%2fb`, 400],
  [`${ORDERS}/a%00b`, 400],
  [`${ORDERS}/a%0d%0ab`, 400],
  [`${ORDERS}/%zz`, 400],
  [`${ORDERS}/%2e%2e%2fa`, 400],
  [`${ORDERS}/${'a'.repeat(513)}`, 400],
  [`${ORDERS}/o-001?fields=_tenant`, 400],
  [`${ORDERS}/o-001?fields=password,_internal`, 400],
  [`${ORDERS}/o-001?status=paid`, 400],
  [`${ORDERS}/o-001?after=garbage`, 400],
  [`${ORDERS}?after=garbage`, 400],
  [`${ORDERS}?timeout=1e9`, 400],
  ['/streams/orders.order-o-1/state?version=-1', 400],
  ['/streams/orders.order-o-1/state?version=9223372036854775808', 400],
  ['/streams/orders.order-o-1/state?version=1.5', 400],
  ['/streams/orders.order-o-1/state?version[$gt]=1', 400],
  ['/streams/orders.order-a%2Fb/state', 400],
  ['/streams/orders.order-a%00b/state', 400],
  ['/streams/..%2Fb/state', 400],
  ['/streams/orders.order-none/state', 404],
  ['/streams/__proto__/state', 404],
  [`/streams/orders.order-${'a'.repeat(300)}/state`, 400],
  [`/streams/${'a'.repeat(10_000)}/state`, 400],
]

/** Searched for as the text that it is, in no time. */
const text: readonly string[] = [
  `${ORDERS}?customerId=(a%2B)%2B$`,
  `${ORDERS}?customerId=${'(a%2B)%2B'.repeat(1_000)}`,
]

/** Requests that no read model answers, and some that look as if none did. */
export const badReads: Readonly<Record<string, BadRequest>> = Object.fromEntries([
  ...refused.map(([path, status]) => [path, { path, status }] as const),
  ...text.map((path) => [`69: ${path}`, { path, status: 200 }] as const),
])
