// Compiled, never run: what must not compile.
import { accept, defineContext, defineProjection, noOp, orderSummary, orders } from '@millrace/domain'
import { given, givenEvents, orderPlaced, productAdded } from '@millrace/testkit'

const { commands, decider, ...parts } = orders

export const complete = defineContext({ ...parts, commands, decider })

const withRefund = { ...commands, refund: commands.cancel }
// @ts-expect-error a command that no rule decides
export const undecided = defineContext({ ...parts, commands: withRefund, decider })

// @ts-expect-error a topic that is not in the catalogue
export const elsewhere = defineContext({ ...parts, topic: 'orders.events', commands, decider })

// @ts-expect-error events of another context
given(orders, [productAdded()])

// @ts-expect-error a command of another context
given(orders).when({ type: 'retire', id: 'o-1', at: 0, body: {} })

// @ts-expect-error a body that the schema would refuse
given(orders).when({ type: 'pay', id: 'o-1', at: 0, body: { amount: 1 } })

// @ts-expect-error a document of another shape
givenEvents(orderSummary, []).thenDocument({ orderId: 'o-1' })

type Counter = { readonly count: number }
const counter = {
  name: 'counter',
  version: 'v1',
  sources: ['orders.order.events'],
  events: ['OrderPlaced'],
  evolve: (document: Counter | null): Counter => ({ count: (document?.count ?? 0) + 1 }),
  indexes: [],
  filters: {},
  sorts: {},
} as const

export const counting = defineProjection(counter)

// @ts-expect-error a sort by a field that the document does not have
export const sorted = defineProjection({ ...counter, sorts: { total: { field: 'total', type: 'number' } } })

// @ts-expect-error an index over a field that the document does not have
export const indexed = defineProjection({ ...counter, indexes: [{ total: 1 }] })

// @ts-expect-error a document that JSON cannot write
export const dated = defineProjection({ ...counter, evolve: () => ({ at: new Date(0) }) })

export const decisions = [accept(orderPlaced()), noOp]
