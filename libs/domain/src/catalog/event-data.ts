import type { z } from 'zod'
import { productCommands } from './commands.ts'
import type { ProductEventType } from './events.ts'

/** Each is what its command says. */
export const productEventData = {
  ProductAdded: productCommands.add,
  ProductRepriced: productCommands.reprice,
  ProductRetired: productCommands.retire,
} satisfies Record<ProductEventType, z.ZodType>
