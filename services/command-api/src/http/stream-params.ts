import { z } from 'zod'

export const streamParams = z.strictObject({
  id: z.string().describe('For example `orders.order-o-17`.'),
})
