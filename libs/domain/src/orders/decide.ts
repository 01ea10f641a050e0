import { type Decision, accept, noOp, reject } from '../decider.ts'
import type { OrderCommand } from './commands.ts'
import type { OrderEvent } from './events.ts'
import type { OrderRejection } from './rejections.ts'
import type { OrderState } from './state.ts'

type Command<Type extends OrderCommand['type']> = Extract<OrderCommand, { type: Type }>
type OrderDecision = Decision<OrderEvent, OrderRejection>

export const decideOrder = (state: OrderState, command: OrderCommand): OrderDecision => {
  switch (command.type) {
    case 'place':
      return place(state, command)
    case 'pay':
      return pay(state, command)
    case 'ship':
      return ship(state, command)
    case 'deliver':
      return deliver(state)
    case 'cancel':
      return cancel(state, command)
    case 'return':
      return returnGoods(state, command)
  }
}

const place = (state: OrderState, { body }: Command<'place'>): OrderDecision => {
  if (state.status !== 'absent') return reject('order-already-placed')
  return accept({ type: 'OrderPlaced', data: body })
}

const pay = (state: OrderState, { body }: Command<'pay'>): OrderDecision => {
  switch (state.status) {
    case 'placed': {
      const { customerId, total } = state
      return accept({ type: 'OrderPaid', data: { customerId, method: body.method, total } })
    }
    case 'absent':
      return reject('order-not-found')
    case 'paid':
    case 'shipped':
    case 'delivered':
      return reject('order-already-paid')
    case 'cancelled':
      return reject('order-cancelled')
    case 'returned':
      return reject('order-returned')
  }
}

const ship = (state: OrderState, { body }: Command<'ship'>): OrderDecision => {
  switch (state.status) {
    case 'paid': {
      const { carrier, trackingId = null } = body
      return accept({ type: 'OrderShipped', data: { customerId: state.customerId, carrier, trackingId } })
    }
    case 'absent':
      return reject('order-not-found')
    case 'placed':
      return reject('order-not-paid')
    case 'shipped':
    case 'delivered':
      return reject('order-already-shipped')
    case 'cancelled':
      return reject('order-cancelled')
    case 'returned':
      return reject('order-returned')
  }
}

const deliver = (state: OrderState): OrderDecision => {
  switch (state.status) {
    case 'shipped':
      return accept({ type: 'OrderDelivered', data: { customerId: state.customerId } })
    case 'absent':
      return reject('order-not-found')
    case 'placed':
    case 'paid':
      return reject('order-not-shipped')
    case 'delivered':
      return reject('order-already-delivered')
    case 'cancelled':
      return reject('order-cancelled')
    case 'returned':
      return reject('order-returned')
  }
}

const cancel = (state: OrderState, { body }: Command<'cancel'>): OrderDecision => {
  switch (state.status) {
    case 'placed':
    case 'paid': {
      const { customerId, total } = state
      const paidAt = state.status === 'paid' ? state.paidAt : null
      return accept({ type: 'OrderCancelled', data: { customerId, reason: body.reason, total, paidAt } })
    }
    case 'cancelled':
      return noOp
    case 'absent':
      return reject('order-not-found')
    case 'shipped':
      return reject('order-already-shipped')
    case 'delivered':
      return reject('order-already-delivered')
    case 'returned':
      return reject('order-returned')
  }
}

const returnGoods = (state: OrderState, { body }: Command<'return'>): OrderDecision => {
  switch (state.status) {
    case 'delivered': {
      const { customerId, total, paidAt } = state
      return accept({ type: 'OrderReturned', data: { customerId, reason: body.reason, total, paidAt } })
    }
    case 'absent':
      return reject('order-not-found')
    case 'placed':
    case 'paid':
    case 'shipped':
      return reject('order-not-delivered')
    case 'cancelled':
      return reject('order-cancelled')
    case 'returned':
      return reject('order-returned')
  }
}
