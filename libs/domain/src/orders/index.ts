import { defineContext } from '../context.ts'
import { orderCommands } from './commands.ts'
import { orderEventData } from './event-data.ts'
import { decideOrder } from './decide.ts'
import { orderTopic } from './events.ts'
import { evolveOrder } from './evolve.ts'
import { openOrdersRule } from './open-orders-rule.ts'
import { orderRejections } from './rejections.ts'
import { initialOrder } from './state.ts'

export const orders = defineContext({
  name: 'orders',
  aggregate: 'order',
  path: 'orders',
  topic: orderTopic,
  commands: orderCommands,
  eventData: orderEventData,
  rejections: orderRejections,
  decider: { initialState: initialOrder, decide: decideOrder, evolve: evolveOrder },
  inline: [openOrdersRule],
  snapshots: { stateVersion: 1, everyEvents: 100, everyMs: 86_400_000 },
})

export type { OrderCommand } from './commands.ts'
export type { OrderEvent, OrderEventType } from './events.ts'
export type { OrderRejection } from './rejections.ts'
export type { OrderState, OrderStatus } from './state.ts'
