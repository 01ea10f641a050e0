import { describe } from '@jest/globals'
import { type ProductCommand, catalog } from '@millrace/domain'
import fc from 'fast-check'
import { anyAmount, anyCurrency, anyText, anyTime } from '../arbitraries.ts'
import { testAcceptedAtTheDoor, testContextLaws } from '../context-laws.ts'

const command = <Type extends ProductCommand['type'], Body>(type: Type, body: fc.Arbitrary<Body>) =>
  fc.record({ type: fc.constant(type), id: fc.constant('p-1'), at: anyTime, body })

const price = fc.record({ amount: anyAmount, currency: anyCurrency })

const anyProductCommands: fc.Arbitrary<ProductCommand[]> = fc.array(
  fc.oneof(
    command('add', fc.record({ name: anyText, category: anyText, price })),
    command('reprice', fc.record({ price })),
    command('retire', fc.constant({})),
  ),
  { maxLength: 12 },
)

describe('catalog', () => {
  testContextLaws(catalog, anyProductCommands)
  testAcceptedAtTheDoor(catalog, anyProductCommands)
})
