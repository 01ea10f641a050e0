import { describe, it } from '@jest/globals'
import { type ProductEvent, productHistory } from '@millrace/domain'
import {
  RECORDED_AT_MS,
  givenEvents,
  productAdded,
  productRepriced,
  productRetired,
  recordedStream,
} from '@millrace/testkit'

const productOf = (...events: ProductEvent[]) => recordedStream<ProductEvent>(events, { key: 'p-1' })

const added = {
  productId: 'p-1',
  name: 'Tin whistle',
  category: 'music',
  prices: [{ price: { amount: 999, currency: 'EUR' }, from: RECORDED_AT_MS, version: 1 }],
  retiredAt: null,
}

describe('product-history', () => {
  it('has every price, and since when', () => {
    givenEvents(productHistory, productOf(productAdded(), productRepriced())).thenDocument({
      ...added,
      prices: [
        ...added.prices,
        { price: { amount: 1099, currency: 'EUR' }, from: RECORDED_AT_MS + 1000, version: 2 },
      ],
    })
  })

  it('ends with the retirement', () => {
    givenEvents(productHistory, productOf(productAdded(), productRetired())).thenDocument({
      ...added,
      retiredAt: RECORDED_AT_MS + 1000,
    })
  })

  it.each([
    ['a price of what is not there', [productRepriced()]],
    ['a second adding', [productAdded(), productAdded()]],
    ['a price after the retirement', [productAdded(), productRetired(), productRepriced()]],
  ])('refuses %s', (_, events) => {
    givenEvents(productHistory, productOf(...events)).thenImpossible()
  })
})
