import type { Money } from '@millrace/events'
import { impossible } from '../../impossible-event.ts'
import { type ProductEventType, productTopic } from '../../catalog/events.ts'
import { defineProjection } from '../define-projection.ts'
import type { ProjectedEvent } from '../projection.ts'

export type ProductHistory = {
  readonly productId: string
  readonly name: string
  readonly category: string
  /** In the order of the versions that set them. */
  readonly prices: readonly { readonly price: Money; readonly from: number; readonly version: number }[]
  readonly retiredAt: number | null
}

const evolve = (document: ProductHistory | null, event: ProjectedEvent<ProductEventType>): ProductHistory => {
  const { occurredAt, version } = event
  if (event.type === 'ProductAdded') {
    if (document !== null) return impossible(event, 'listed')
    const { name, category, price } = event.data
    const prices = [{ price, from: occurredAt, version }]
    return { productId: event.key, name, category, prices, retiredAt: null }
  }
  if (document === null) return impossible(event, 'absent')
  if (document.retiredAt !== null) return impossible(event, 'retired')
  if (event.type === 'ProductRetired') return { ...document, retiredAt: occurredAt }
  return { ...document, prices: [...document.prices, { price: event.data.price, from: occurredAt, version }] }
}

/**
 * What a product has cost. Few ask, and a product has few events: so it is folded when somebody does, and nothing keeps
 * it ready.
 */
export const productHistory = defineProjection({
  name: 'product-history',
  version: 'v1',
  sources: [productTopic],
  events: ['ProductAdded', 'ProductRepriced', 'ProductRetired'],
  isOnDemand: true,
  evolve,
  indexes: [],
  filters: {},
  sorts: {},
})
