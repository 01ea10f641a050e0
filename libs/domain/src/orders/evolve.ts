import type { Occurred } from '../decider.ts'
import type { OrderEvent } from './events.ts'
import { predecessorOf } from './lifecycle.ts'
import type { OrderState } from './state.ts'
import { totalAmount } from './totals.ts'

export const evolveOrder = (state: OrderState, event: Occurred<OrderEvent>): OrderState => {
  switch (event.type) {
    case 'OrderPlaced': {
      const { customerId, currency, lines } = event.data
      const total = { amount: totalAmount(lines), currency }
      return { ...predecessorOf(event, state), status: 'placed', customerId, total }
    }
    case 'OrderPaid':
      return { ...predecessorOf(event, state), status: 'paid', paidAt: event.occurredAt }
    case 'OrderShipped':
      return { ...predecessorOf(event, state), status: 'shipped' }
    case 'OrderDelivered':
      return { ...predecessorOf(event, state), status: 'delivered' }
    case 'OrderCancelled':
      return { ...predecessorOf(event, state), status: 'cancelled' }
    case 'OrderReturned':
      return { ...predecessorOf(event, state), status: 'returned' }
  }
}
