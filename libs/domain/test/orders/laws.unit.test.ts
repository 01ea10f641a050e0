import { describe } from '@jest/globals'
import { orders } from '@millrace/domain'
import { testAcceptedAtTheDoor, testContextLaws } from '../context-laws.ts'
import { anyOrderCommands } from './order-commands.ts'

describe('orders', () => {
  testContextLaws(orders, anyOrderCommands)
  testAcceptedAtTheDoor(orders, anyOrderCommands)
})
