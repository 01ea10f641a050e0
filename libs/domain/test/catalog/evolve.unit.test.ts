import { describe, expect, it } from '@jest/globals'
import { ImpossibleEventError, type ProductEvent, catalog, fold } from '@millrace/domain'
import { productAdded, productRepriced, productRetired, recordedStream } from '@millrace/testkit'

const foldOf = (...events: ProductEvent[]) => fold(catalog.decider, recordedStream<ProductEvent>(events))

describe('the fold of a product', () => {
  it('keeps the last price', () => {
    expect(foldOf(productAdded(), productRepriced({ price: { amount: 5, currency: 'EUR' } }))).toEqual({
      status: 'listed',
      price: { amount: 5, currency: 'EUR' },
    })
  })

  it.each([
    ['a second adding', [productAdded(), productAdded()]],
    ['a price of a product nobody added', [productRepriced()]],
    ['a retirement of a product nobody added', [productRetired()]],
    ['a price after retirement', [productAdded(), productRetired(), productRepriced()]],
    ['a second retirement', [productAdded(), productRetired(), productRetired()]],
  ])('refuses %s', (_, events) => {
    expect(() => foldOf(...events)).toThrow(ImpossibleEventError)
  })
})
