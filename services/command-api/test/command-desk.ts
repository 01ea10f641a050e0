import { randomUUID } from 'node:crypto'
import { makeAggregates } from '@millrace/aggregates'
import { orders, type AnyContext } from '@millrace/domain'
import { makeInMemoryCodec, type Codec } from '@millrace/events'
import type { EventStore } from '@millrace/mongo'
import { createTokenSigner } from '@millrace/runtime'
import { makeAnswers } from '../src/answers.ts'
import { makeHandleWrite } from '../src/handle-write.ts'
import { makeInTurn } from '../src/in-turn.ts'
import { makeStateCache } from '../src/state-cache.ts'
import type { WriteOutcome, WriteRequest } from '../src/write.ts'

export const NOW_MS = Date.UTC(2026, 0, 1)
export const PLACE = {
  customerId: 'c-1',
  currency: 'EUR',
  lines: [{ productId: 'p-1', quantity: 1, amount: 5 }],
}

// Its commands are a union of their own; a request carries any of them, parsed by the door before.
const context = orders as unknown as AnyContext

type More = Partial<WriteRequest> & { readonly body?: unknown }

/** What is handled here: one aggregate after another, as one developer. */
export type CommandDesk = {
  /** An order nobody has touched yet. */
  newOrder(): string
  send(name: string, id: string, more?: More): Promise<WriteOutcome>
  /** How often the relay was woken. */
  wakes(): number
}

/** Without a codec the events are readable here only. */
export const openCommandDesk = async (store: EventStore, given?: Codec): Promise<CommandDesk> => {
  let wakes = 0
  const codec = given ?? (await makeInMemoryCodec())
  const handle = makeHandleWrite({
    store,
    codec,
    aggregates: makeAggregates({ store, codec }),
    cache: makeStateCache(1024 * 1024),
    inTurn: makeInTurn(),
    answers: makeAnswers(createTokenSigner('s'.repeat(32))),
    newId: randomUUID,
    now: () => NOW_MS,
    partitionOf: () => 0,
    onAppended: () => (wakes += 1),
  })
  return {
    newOrder: () => `o-${randomUUID()}`,
    wakes: () => wakes,
    send: (name, id, more = {}) => {
      const body = more.body ?? bodyOf(name)
      return handle({
        context,
        id,
        decide: (state, at) => (more.context ?? context).decider.decide(state, { type: name, id, at, body }),
        tenant: 'demo',
        principal: 'dev',
        route: 'POST /:aggregates/:id/:command',
        idempotencyKey: randomUUID(),
        fingerprint: `${id}/${name}/${JSON.stringify(body)}`,
        precondition: undefined,
        occurredAt: undefined,
        correlationId: 'request-1',
        causationId: 'request-1',
        traceparent: undefined,
        ...more,
      })
    },
  }
}

const bodies: Readonly<Record<string, unknown>> = {
  place: PLACE,
  pay: { method: 'card' },
  ship: { carrier: 'DHL' },
  deliver: {},
  cancel: { reason: 'changed my mind' },
  return: { reason: 'too small' },
}

const bodyOf = (name: string): unknown => bodies[name]
