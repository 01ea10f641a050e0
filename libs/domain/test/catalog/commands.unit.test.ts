import { describe } from '@jest/globals'
import { catalog } from '@millrace/domain'
import { testBodies } from '../test-bodies.ts'

const price = { amount: 999, currency: 'EUR' }
const add = { name: 'Tin whistle', category: 'music', price }

describe('add', () => {
  testBodies(catalog.commands.add, {
    accepts: {
      'a product': add,
      'a product that costs nothing': { ...add, price: { ...price, amount: 0 } },
      'a name in any script': { ...add, name: 'Цимбалы' },
    },
    rejects: {
      'no price': { name: 'Tin whistle', category: 'music' },
      'a price as a number': { ...add, price: 999 },
      'a price with a fraction': { ...add, price: { ...price, amount: 9.99 } },
      'a negative price': { ...add, price: { ...price, amount: -1 } },
      'a price without a currency': { ...add, price: { amount: 999 } },
      'an unknown field in the price': { ...add, price: { ...price, tax: 0 } },
      'an unknown field': { ...add, colour: 'red' },
      'an empty category': { ...add, category: '' },
      'a tab in the name': { ...add, name: 'Tin\twhistle' },
    },
  })
})

describe('reprice', () => {
  testBodies(catalog.commands.reprice, {
    accepts: { 'a price': { price } },
    rejects: {
      'no price': {},
      'a name': { price, name: 'Whistle' },
      'an amount of 2^53': { price: { ...price, amount: 2 ** 53 } },
    },
  })
})

describe('retire', () => {
  testBodies(catalog.commands.retire, {
    accepts: { 'an empty object': {} },
    rejects: { 'any field': { reason: 'old' }, 'no body': undefined },
  })
})
