import type { BadRequest } from '../../../test/support/bad-inputs/bad-input.ts'

const STATE = '/projections/order-summary/state'

const reads: readonly (readonly [path: string, status: number])[] = [
  ['/projections/orders/state', 404],
  ['/projections/__proto__/state', 404],
  ['/projections/constructor/state', 404],
  ['/projections/order-summary', 404],
  ['/projections//state', 404],
  ['/projections/a%00b/state', 404],
  ['/projections/a%0d%0ab/state', 404],
  ['/projections/%1b%5b2J/state', 404],
  ['/projections/order-summary%2f..%2fx/state', 404],
  ['/projections/%zz/state', 400],
  ['/projections/%ff/state', 400],
  [`/projections/${'a'.repeat(201)}/state`, 400],
  [`/projections/${'a'.repeat(10_000)}/state`, 400],
  [`${STATE}?full=true`, 400],
  ['/projections?name=order-summary', 400],
  ['/projections?name[$ne]=x', 400],
  ['/projections/open-orders/state', 409],
]

const postOf = (path: string, body: unknown, status: number): BadRequest => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  status,
})

const act = (action: string, body: unknown, status = 400): BadRequest =>
  postOf(`/projections/order-summary/${action}`, body, status)

const writes: readonly BadRequest[] = [
  postOf('/projections', {}, 400),
  postOf('/projections', { name: 'nothing' }, 404),
  postOf('/projections', { name: 'open-orders' }, 409),
  postOf('/projections', { name: 'x'.repeat(201) }, 400),
  postOf('/projections', { name: { $ne: 'x' } }, 400),
  postOf('/projections', { name: ['order-summary'] }, 400),
  act('rebuild', { version: 'v1' }),
  act('rebuild', []),
  act('reset', { inPlace: 'yes' }),
  act('reset', { inplace: true }),
  act('compare', { full: 1 }),
  act('compare', { expect: 'total' }),
  act('compare', { expect: [''] }),
  act('compare', { expect: [{ $regex: '.*' }] }),
  act('compare', { expect: Array.from({ length: 101 }, () => 'total') }),
  act('compare', { expect: ['x'.repeat(201)] }),
  act('compare', {}, 409),
  act('verify', { full: 'all' }),
  act('switch', { build: 7 }),
  act('switch', { to: 'v1' }),
  act('switch', { build: 'x'.repeat(51) }),
  act('switch', {}, 409),
  act('rollback', {}, 409),
  act('drop', {}),
  act('drop', { build: 'x'.repeat(51) }),
  act('drop', { build: { $ne: 'v1' } }),
  act('drop', { build: '$served' }, 404),
  act('drop', { build: 'v1\u001b[2J' }, 404),
  act('drop', { build: 'v1' }, 409),
  act('pause', { isPaused: true }),
  act('delete', {}, 404),
]

/** Requests that change no projection. */
export const badOperations: Readonly<Record<string, BadRequest>> = Object.fromEntries([
  ...reads.map(([path, status]) => [`GET ${path}`, { path, status }] as const),
  ...writes.map((request) => [`POST ${request.path} ${String(request.body)}`, request] as const),
])
