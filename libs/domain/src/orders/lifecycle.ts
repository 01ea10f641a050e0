/*
 *  absent ─ OrderPlaced ─► placed ─ OrderPaid ─► paid ─ OrderShipped ─► shipped ─ OrderDelivered ─► delivered
 *                             │                   │                                                   │
 *                             └── OrderCancelled ─┴─► cancelled                    OrderReturned ─► returned
 *
 * Which event may follow which status. The decider's fold and the read models share this table, so an event that
 * the rules could not have produced is refused by all of them alike.
 */
import { impossible } from '../impossible-event.ts'
import type { OrderEventType } from './events.ts'
import type { OrderStatus } from './state.ts'

type Step = { readonly from: readonly OrderStatus[]; readonly to: OrderStatus }

export const orderLifecycle = {
  OrderPlaced: { from: ['absent'], to: 'placed' },
  OrderPaid: { from: ['placed'], to: 'paid' },
  OrderShipped: { from: ['paid'], to: 'shipped' },
  OrderDelivered: { from: ['shipped'], to: 'delivered' },
  OrderCancelled: { from: ['placed', 'paid'], to: 'cancelled' },
  OrderReturned: { from: ['delivered'], to: 'returned' },
} as const satisfies Readonly<Record<OrderEventType, Step>>

type Lifecycle = typeof orderLifecycle
type HasStatus = { readonly status: OrderStatus }

/** What `Before` is known to be when an event of this type may follow. */
type Predecessor<Before extends HasStatus, Type extends OrderEventType> = Before & {
  readonly status: Lifecycle[Type]['from'][number]
}

const mayFollow = <Before extends HasStatus, Type extends OrderEventType>(
  before: Before,
  type: Type,
): before is Predecessor<Before, Type> => {
  const step: Step = orderLifecycle[type]
  return step.from.includes(before.status)
}

/** The same value, known to be what the event may follow; throws when it is not. */
export const predecessorOf = <Before extends HasStatus, Type extends OrderEventType>(
  event: { readonly type: Type },
  before: Before,
): Predecessor<Before, Type> => (mayFollow(before, event.type) ? before : impossible(event, before.status))
