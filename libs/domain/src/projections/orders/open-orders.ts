import { orderTopic } from '../../orders/events.ts'
import { defineProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'

/** How many unpaid orders a customer has; there is none for a customer without one. */
export type OpenOrders = { readonly customerId: string; readonly open: number }

type HandledEvent = ProjectedEvent<'OrderPlaced' | 'OrderPaid' | 'OrderCancelled'>

const changeOf = (event: HandledEvent): 1 | 0 | -1 => {
  switch (event.type) {
    case 'OrderPlaced':
      return 1
    case 'OrderPaid':
      return -1
    case 'OrderCancelled':
      return event.data.paidAt === null ? -1 : 0
  }
}

const evolve = (document: OpenOrders | null, event: HandledEvent): OpenOrders | null => {
  const change = changeOf(event)
  if (change === 0) return document
  // Never below zero: that would let in more than the rule allows.
  const open = Math.max(0, (document?.open ?? 0) + change)
  return open === 0 ? null : { customerId: event.data.customerId, open }
}

/** Inline: the rule that bounds it (orders/open-orders-rule.ts) has to see it as it is. */
export const openOrders = defineProjection({
  name: 'open-orders',
  version: 'v1',
  sources: [orderTopic],
  events: ['OrderPlaced', 'OrderPaid', 'OrderCancelled'],
  inlineKey: (event) => event.data.customerId,
  evolve,
  indexes: [{ open: 1 }],
  filters: {},
  sorts: { open: { field: 'open', type: 'number' } },
})
