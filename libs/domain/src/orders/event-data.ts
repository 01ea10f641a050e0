import { z } from 'zod'
import { idField, moneyField, textField, timeField } from '../fields.ts'
import { orderCommands } from './commands.ts'
import type { OrderEventType } from './events.ts'

const customer = { customerId: idField }
const ended = { ...customer, reason: textField, total: moneyField, paidAt: timeField.nullable() }

export const orderEventData = {
  OrderPlaced: orderCommands.place,
  OrderPaid: z.strictObject({ ...customer, method: textField, total: moneyField }),
  OrderShipped: z.strictObject({ ...customer, carrier: textField, trackingId: idField.nullable() }),
  OrderDelivered: z.strictObject(customer),
  OrderCancelled: z.strictObject(ended),
  OrderReturned: z.strictObject(ended),
} satisfies Record<OrderEventType, z.ZodType>
