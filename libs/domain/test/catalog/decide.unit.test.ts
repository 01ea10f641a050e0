import { describe, expect, it } from '@jest/globals'
import { catalog } from '@millrace/domain'
import { given, productAdded, productRepriced, productRetired } from '@millrace/testkit'
import { product } from './product-command.ts'

const price = { amount: 999, currency: 'EUR' }
const add = product('add', { name: 'Tin whistle', category: 'music', price })
const retire = product('retire', {})
const repriceTo = (amount: number, currency = 'EUR') => product('reprice', { price: { amount, currency } })

const listed = [productAdded({ price })]
const retired = [productAdded(), productRetired()]

describe('a product', () => {
  it('is added with its price', () =>
    given(catalog)
      .when(add)
      .then([productAdded({ price })]))

  it('gets a new price', () =>
    given(catalog, listed)
      .when(repriceTo(1099))
      .then([productRepriced({ price: { amount: 1099, currency: 'EUR' } })]))

  it('gets a price in another currency', () =>
    given(catalog, listed)
      .when(repriceTo(999, 'USD'))
      .then([productRepriced({ price: { amount: 999, currency: 'USD' } })]))

  it('is retired', () => given(catalog, listed).when(retire).then([productRetired()]))

  it('stays as it is when it gets the price it has', () =>
    given(catalog, listed).when(repriceTo(999)).thenNothing())

  it('stays as it is when it gets the price it was given last', () =>
    given(catalog, [...listed, productRepriced({ price: { amount: 5, currency: 'EUR' } })])
      .when(repriceTo(5))
      .thenNothing())

  it('goes back to an earlier price', () =>
    given(catalog, [...listed, productRepriced()])
      .when(repriceTo(999))
      .then([productRepriced({ price })]))

  it('stays as it is when it is retired again', () => given(catalog, retired).when(retire).thenNothing())
})

describe('a product refuses', () => {
  const refusals = [
    { command: add, history: listed, was: 'listed', reason: 'product-already-added' },
    { command: add, history: retired, was: 'retired', reason: 'product-retired' },
    { command: repriceTo(1), history: [], was: 'absent', reason: 'product-not-found' },
    { command: repriceTo(1), history: retired, was: 'retired', reason: 'product-retired' },
    { command: retire, history: [], was: 'absent', reason: 'product-not-found' },
  ]

  it.each(refusals)('to $command.type when it is $was: $reason', ({ command, history, reason }) =>
    given(catalog, history).when(command).thenRejected(reason),
  )

  it('with every reason of its list, and no other', () => {
    expect(new Set(refusals.map(({ reason }) => reason))).toEqual(new Set<string>(catalog.rejections))
  })
})
