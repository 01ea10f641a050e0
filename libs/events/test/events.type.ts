import type {
  DomainEvent,
  EventDataByType,
  EventType,
  RecordedEvent,
  TopicEvent,
  TopicName,
} from '@millrace/events'
import type { Upcasters } from '../src/upcasters.ts'

export const placed: DomainEvent = {
  type: 'OrderPlaced',
  data: { customerId: 'c-1', currency: 'EUR', lines: [{ productId: 'p-1', quantity: 1, amount: 100 }] },
}

// @ts-expect-error the data of another type
export const mismatched: DomainEvent = { type: 'OrderPaid', data: placed.data }

// @ts-expect-error a nullable field is null, not absent
export const incomplete: EventDataByType['OrderShipped'] = { customerId: 'c-1', carrier: 'dhl' }

// @ts-expect-error a record without fields has none
export const retired: EventDataByType['ProductRetired'] = { reason: 'old' }

// @ts-expect-error products do not go to the topic of orders
export const misplaced: TopicEvent<'orders.order.events'>['type'] = 'ProductAdded'

// @ts-expect-error topics are spelled in the catalogue
export const topic: TopicName = 'orders.orders.events'

export const totalOf = (event: RecordedEvent<'OrderPaid' | 'OrderDelivered'>): number =>
  event.type === 'OrderPaid' ? event.data.total.amount : 0

// @ts-expect-error a delivery has no total
export type TotalOfDelivery = RecordedEvent<'OrderDelivered'>['data']['total']

export const rename = (event: RecordedEvent): void => {
  // @ts-expect-error facts do not change
  event.version = 2
}

export const types: readonly EventType[] = ['OrderPlaced', 'ProcessState']

export const upcasters = {
  OrderPaid: { to: 'OrderDelivered', upcast: ({ customerId }) => ({ customerId }) },
} as const satisfies Upcasters

export const wrongUpcasters: Upcasters = {
  // @ts-expect-error what comes out is the data of another type
  OrderPaid: { to: 'OrderDelivered', upcast: ({ method }) => ({ method }) },
  // @ts-expect-error a former type becomes one that is declared
  OrderShipped: { to: 'OrderEaten', upcast: (data) => data },
}
