import type { TopicEvent } from '@millrace/events'

export const productTopic = 'catalog.product.events'

export type ProductEvent = TopicEvent<typeof productTopic>

export type ProductEventType = ProductEvent['type']
