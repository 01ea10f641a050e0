import type { DomainEvent } from '@millrace/events'

export type StateSample = {
  /** Together they have every event of the context. */
  readonly histories: readonly (readonly DomainEvent[])[]
  /** Checksum of the states that they give, by the stateVersion of the context. Add to it; never change one. */
  readonly checksums: Readonly<Record<number, string>>
}

const placed: DomainEvent = {
  type: 'OrderPlaced',
  data: {
    customerId: 'c-1',
    currency: 'EUR',
    lines: [
      { productId: 'p-1', quantity: 2, amount: 1998 },
      { productId: 'p-2', quantity: 1, amount: 500 },
    ],
  },
}
const total = { amount: 2498, currency: 'EUR' }
const paid: DomainEvent = { type: 'OrderPaid', data: { customerId: 'c-1', method: 'card', total } }
const reason = 'changed my mind'

export const stateSamples: Readonly<Record<string, StateSample>> = {
  orders: {
    histories: [
      [
        placed,
        paid,
        { type: 'OrderShipped', data: { customerId: 'c-1', carrier: 'post', trackingId: 't-1' } },
        { type: 'OrderDelivered', data: { customerId: 'c-1' } },
        { type: 'OrderReturned', data: { customerId: 'c-1', reason, total, paidAt: 1_000 } },
      ],
      [placed, paid, { type: 'OrderCancelled', data: { customerId: 'c-1', reason, total, paidAt: 1_000 } }],
      [placed, { type: 'OrderCancelled', data: { customerId: 'c-1', reason, total, paidAt: null } }],
    ],
    checksums: { 1: 'be0acb41444bdfd3fb657dd7b500e45d50c69839c957395751e1cb765ad1dd45' },
  },
  catalog: {
    histories: [
      [
        {
          type: 'ProductAdded',
          data: { name: 'Tin whistle', category: 'music', price: { amount: 999, currency: 'EUR' } },
        },
        { type: 'ProductRepriced', data: { price: { amount: 1099, currency: 'EUR' } } },
        { type: 'ProductRetired', data: {} },
      ],
    ],
    checksums: { 1: 'df4d54a8bdfeec984b7f23c38a9f7d1f2bc0d1999f8a52a3e55ccda15e2b2250' },
  },
}
