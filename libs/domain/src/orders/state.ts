import type { Money } from '@millrace/events'

type Placed = { readonly customerId: string; readonly total: Money }
type Paid = Placed & { readonly paidAt: number }

/** What the rules need to know about an order, and nothing else: each command folds it anew. */
export type OrderState =
  | { readonly status: 'absent' }
  | (Placed & { readonly status: 'placed' })
  | (Paid & { readonly status: 'paid' })
  | (Paid & { readonly status: 'shipped' })
  | (Paid & { readonly status: 'delivered' })
  | (Placed & { readonly status: 'cancelled' })
  | (Paid & { readonly status: 'returned' })

export type OrderStatus = OrderState['status']

/** Of an order that exists. */
export const orderStatuses = [
  'placed',
  'paid',
  'shipped',
  'delivered',
  'cancelled',
  'returned',
] as const satisfies readonly OrderStatus[]

export const initialOrder: OrderState = { status: 'absent' }
