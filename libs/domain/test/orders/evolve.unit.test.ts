import { describe, expect, it } from '@jest/globals'
import { ImpossibleEventError, type OrderEvent, type OrderStatus, fold, orders } from '@millrace/domain'
import { recordedStream } from '@millrace/testkit'
import { orderHistories } from './order-histories.ts'

const fate = (history: readonly OrderEvent[]): string => {
  try {
    return fold(orders.decider, recordedStream<OrderEvent>(history)).status
  } catch (error) {
    if (error instanceof ImpossibleEventError) return error.message
    throw error
  }
}

const followers: Readonly<Record<OrderStatus, readonly OrderEvent['type'][]>> = {
  absent: ['OrderPlaced'],
  placed: ['OrderPaid', 'OrderCancelled'],
  paid: ['OrderShipped', 'OrderCancelled'],
  shipped: ['OrderDelivered'],
  delivered: ['OrderReturned'],
  cancelled: [],
  returned: [],
}

const anEventOfEachType = [...orderHistories.returned, ...orderHistories.cancelled.slice(1)]

describe('the fold of an order', () => {
  it.each(Object.entries(orderHistories))('comes to %s', (status, history) => {
    expect(fate(history)).toBe(status)
  })

  it.each(Object.entries(orderHistories))('refuses what cannot follow %s', (status, history) => {
    const possible = anEventOfEachType.filter((event) => !fate([...history, event]).includes('cannot happen'))
    expect(possible.map((event) => event.type).sort()).toEqual([...(followersOf(status) ?? [])].sort())
  })

  it('names the event and the status it cannot follow', () => {
    expect(fate(orderHistories.paid.slice(1))).toBe('OrderPaid cannot happen to what is absent')
  })
})

const followersOf = (status: string) => new Map(Object.entries(followers)).get(status)
