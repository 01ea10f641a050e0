import type { OrderCommand } from '@millrace/domain'
import fc from 'fast-check'
import { anyAmount, anyCurrency, anyId, anyText, anyTime } from '../arbitraries.ts'

const command = <Type extends OrderCommand['type'], Body>(type: Type, body: fc.Arbitrary<Body>) =>
  fc.record({ type: fc.constant(type), id: fc.constant('o-1'), at: anyTime, body })

const anyLine = fc.record({
  productId: anyId,
  quantity: fc.integer({ min: 1, max: 2 ** 31 }),
  amount: anyAmount,
})

const place = command(
  'place',
  fc.record({
    customerId: anyId,
    currency: anyCurrency,
    lines: fc.array(anyLine, { minLength: 1, maxLength: 100 }),
  }),
)
const pay = command('pay', fc.record({ method: anyText }))
const ship = command(
  'ship',
  fc.record({ carrier: anyText, trackingId: anyId }, { requiredKeys: ['carrier'] }),
)
const deliver = command('deliver', fc.constant({}))
const cancel = command('cancel', fc.record({ reason: anyText }))
const returnGoods = command('return', fc.record({ reason: anyText }))

const anyCommand: fc.Arbitrary<OrderCommand> = fc.oneof(place, pay, ship, deliver, cancel, returnGoods)

/** A run through the whole life, cut short anywhere, with stray commands between. */
const anyLife: fc.Arbitrary<OrderCommand[]> = fc
  .tuple(fc.tuple(place, pay, ship, deliver, returnGoods), fc.array(anyCommand, { maxLength: 3 }), fc.nat(5))
  .map(([life, strays, length]) => [...life.slice(0, length), ...strays])

export const anyOrderCommands: fc.Arbitrary<OrderCommand[]> = fc.oneof(
  anyLife,
  fc.array(anyCommand, { maxLength: 12 }),
)
