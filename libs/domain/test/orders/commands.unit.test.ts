import { describe } from '@jest/globals'
import { orders } from '@millrace/domain'
import { MAX_LONG } from '@millrace/events'
import { testBodies } from '../test-bodies.ts'

const line = { productId: 'p-1', quantity: 1, amount: 100 }
const place = { customerId: 'c-1', currency: 'EUR', lines: [line] }
const times = (count: number) => Array.from({ length: count }, () => line)
const biggest = MAX_LONG

describe('place', () => {
  testBodies(orders.commands.place, {
    accepts: {
      'one line': place,
      'a hundred lines': { ...place, lines: times(100) },
      'the same product on two lines': { ...place, lines: [line, line] },
      'a line that costs nothing': { ...place, lines: [{ ...line, amount: 0 }] },
      'the largest total that an event can have': {
        ...place,
        lines: [
          { ...line, amount: biggest - 1 },
          { ...line, amount: 1 },
        ],
      },
      'an id of every allowed character': { ...place, customerId: 'aZ09._:@~-' },
      'an id of 128 characters': { ...place, customerId: 'c'.repeat(128) },
    },
    rejects: {
      'no body': undefined,
      'an empty body': {},
      'an unknown field': { ...place, note: 'hello' },
      'an unknown field in a line': { ...place, lines: [{ ...line, price: 1 }] },
      'no lines': { ...place, lines: [] },
      'lines that are no list': { ...place, lines: line },
      'a line that is null': { ...place, lines: [null] },
      'a hundred and one lines': { ...place, lines: times(101) },
      'a quantity of nothing': { ...place, lines: [{ ...line, quantity: 0 }] },
      'half a piece': { ...place, lines: [{ ...line, quantity: 1.5 }] },
      'a quantity as text': { ...place, lines: [{ ...line, quantity: '1' }] },
      'a negative amount': { ...place, lines: [{ ...line, amount: -1 }] },
      'a fraction of a minor unit': { ...place, lines: [{ ...line, amount: 0.5 }] },
      'an amount of 2^53': { ...place, lines: [{ ...line, amount: 2 ** 53 }] },
      'an amount that no event can have': { ...place, lines: [{ ...line, amount: biggest + 1 }] },
      'a quantity that no event can have': { ...place, lines: [{ ...line, quantity: biggest + 1 }] },
      'a total that no event can have': {
        ...place,
        lines: [
          { ...line, amount: biggest },
          { ...line, amount: 1 },
        ],
      },
      'a quantity in total that no event can have': {
        ...place,
        lines: [{ ...line, quantity: biggest }, line],
      },
      'a currency in small letters': { ...place, currency: 'eur' },
      'a currency of four letters': { ...place, currency: 'EURO' },
      'a currency with a line break': { ...place, currency: 'EUR\n' },
      'an empty id': { ...place, customerId: '' },
      'an id of 129 characters': { ...place, customerId: 'c'.repeat(129) },
      'an id with a slash': { ...place, customerId: 'a/b' },
      'an id that is a step in a path': { ...place, customerId: '..' },
      'an id with a space': { ...place, customerId: 'a b' },
      'an id with a line break': { ...place, customerId: 'c-1\n' },
      'an id with a letter beyond ASCII': { ...place, customerId: 'ç' },
      'a number for an id': { ...place, customerId: 7 },
    },
  })
})

describe('pay', () => {
  testBodies(orders.commands.pay, {
    accepts: { 'a method': { method: 'card' }, 'a method of several words': { method: 'bank transfer' } },
    rejects: {
      'no method': {},
      'an empty method': { method: '' },
      'an amount': { method: 'card', amount: 1 },
    },
  })
})

describe('ship', () => {
  testBodies(orders.commands.ship, {
    accepts: {
      'a carrier': { carrier: 'DHL' },
      'a tracking id': { carrier: 'DHL', trackingId: 'JD014600006281230701' },
    },
    rejects: {
      'no carrier': { trackingId: 'T-1' },
      'an empty tracking id': { carrier: 'DHL', trackingId: '' },
      'null for a tracking id': { carrier: 'DHL', trackingId: null },
    },
  })
})

describe('deliver', () => {
  testBodies(orders.commands.deliver, {
    accepts: { 'an empty object': {} },
    rejects: { 'any field': { at: 1 }, 'a list': [], null: null },
  })
})

describe.each(['cancel', 'return'] as const)('%s', (type) => {
  testBodies(orders.commands[type], {
    accepts: {
      'a reason': { reason: 'too small' },
      'a reason in any script': { reason: 'слишком мало 👩‍🚀' },
      'a reason of 500 characters': { reason: 'x'.repeat(500) },
    },
    rejects: {
      'no reason': {},
      'an empty reason': { reason: '' },
      'a reason of 501 characters': { reason: 'x'.repeat(501) },
      'a line break': { reason: 'a\nb' },
      'a NUL': { reason: 'a\u0000b' },
      'a control character of the upper half': { reason: 'a\u0085b' },
      'half a surrogate pair': { reason: 'a\ud800b' },
    },
  })
})
