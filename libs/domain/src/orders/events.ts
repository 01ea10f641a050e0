import { type TopicEvent, topics } from '@millrace/events'

export const orderTopic = 'orders.order.events'

export const orderEventTypes = topics[orderTopic].recordTypes

export type OrderEvent = TopicEvent<typeof orderTopic>

export type OrderEventType = OrderEvent['type']
