/*
 * Whatever may come to pass in two partitions of the orders and one of the catalog: orders that live as they should and
 * events that cannot be, times in no order, bytes that nobody can read. Few keys, so that documents meet.
 */
import type { Codec, DomainEvent } from '@millrace/events'
import {
  orderCancelled,
  orderDelivered,
  orderPaid,
  orderPlaced,
  orderReturned,
  orderShipped,
  productAdded,
  productRepriced,
  RECORDED_AT_MS,
} from '@millrace/testkit'
import fc from 'fast-check'
import { PartitionLog } from './log-of.ts'

const MINUTE = 60_000
const halfHours = Array.from({ length: 16 }, (_, index) => index * 30)
const ORDERS = 'orders.order.events'
const PRODUCTS = 'catalog.product.events'

const anyLine = fc.record({
  productId: fc.constantFrom('p-1', 'p-2'),
  quantity: fc.integer({ min: 1, max: 3 }),
  amount: fc.nat(1_000),
})

const anyPlaced: fc.Arbitrary<DomainEvent> = fc
  .tuple(fc.constantFrom('c-1', 'c-2', 'c/3'), fc.array(anyLine, { minLength: 1, maxLength: 3 }))
  .map(([customerId, lines]) => orderPlaced({ customerId, lines }))

const later: readonly DomainEvent[] = [
  ...[orderPaid(), orderShipped(), orderDelivered(), orderReturned(), orderCancelled()],
]

const anyOrderEvent = fc.oneof(anyPlaced, fc.constantFrom(...later))
const anyProductEvent: fc.Arbitrary<DomainEvent> = fc.constantFrom(productAdded(), productRepriced())

const anyStep = <Key extends string>(keys: readonly Key[], event: fc.Arbitrary<DomainEvent>) =>
  fc.record({
    key: fc.constantFrom(...keys),
    event,
    tenant: fc.constantFrom('demo', 'acme'),
    at: fc.constantFrom(...halfHours).map((minutes) => RECORDED_AT_MS + minutes * MINUTE),
    committedAfterMs: fc.nat(3 * 60).map((minutes) => minutes * MINUTE),
    spoilt: fc.option(fc.constantFrom('nonsense', 'another type'), { freq: 20 }),
  })

type Step = typeof anyStep extends (...args: never[]) => fc.Arbitrary<infer One> ? One : never

const toLog = (codec: Codec, place: PartitionLog['place'], steps: readonly Step[]): PartitionLog => {
  const log = new PartitionLog(codec, place)
  for (const { event, at, committedAfterMs, spoilt, key, tenant } of steps) {
    const given = { key, tenant, at, committedAt: at + committedAfterMs }
    const wrong = place.topic === ORDERS ? productAdded() : orderPaid()
    const bytes =
      spoilt === 'nonsense'
        ? Buffer.from(spoilt)
        : codec.encode(place.topic === ORDERS ? PRODUCTS : ORDERS, wrong)
    if (spoilt) log.appendSpoilt(event, { ...given, value: bytes })
    else log.append(event, given)
  }
  return log
}

/** One log for each of the three partitions. */
export const anyHistory = (codec: Codec): fc.Arbitrary<PartitionLog[]> =>
  fc
    .tuple(
      fc.array(anyStep(['o-1', 'o-2', 'o-3'], anyOrderEvent), { maxLength: 25, size: '+1' }),
      fc.array(anyStep(['o-4', 'o-5'], anyOrderEvent), { maxLength: 15, size: '+1' }),
      fc.array(anyStep(['p-1', 'p-2'], anyProductEvent), { maxLength: 10, size: '+1' }),
    )
    .map(([first, second, products]) => [
      toLog(codec, { topic: ORDERS, partition: 0 }, first),
      toLog(codec, { topic: ORDERS, partition: 1 }, second),
      toLog(codec, { topic: PRODUCTS, partition: 0 }, products),
    ])
