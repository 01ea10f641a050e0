import { defineContext } from '../context.ts'
import { productCommands } from './commands.ts'
import { productEventData } from './event-data.ts'
import { decideProduct } from './decide.ts'
import { productTopic } from './events.ts'
import { evolveProduct } from './evolve.ts'
import { productRejections } from './rejections.ts'
import { initialProduct } from './state.ts'

export const catalog = defineContext({
  name: 'catalog',
  aggregate: 'product',
  path: 'products',
  topic: productTopic,
  commands: productCommands,
  eventData: productEventData,
  rejections: productRejections,
  decider: { initialState: initialProduct, decide: decideProduct, evolve: evolveProduct },
  inline: [],
  snapshots: { stateVersion: 1, everyEvents: 100, everyMs: 86_400_000 },
})

export type { ProductCommand } from './commands.ts'
export type { ProductEvent, ProductEventType } from './events.ts'
export type { ProductRejection } from './rejections.ts'
export type { ProductState } from './state.ts'
