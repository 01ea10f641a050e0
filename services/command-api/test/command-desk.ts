import { randomUUID } from 'node:crypto'
import { orders, type AnyContext } from '@millrace/domain'
import { makeInMemoryCodec } from '@millrace/events'
import type { EventStore } from '@millrace/mongo'
import { createTokenSigner } from '@millrace/runtime'
import { makeAnswers } from '../src/answers.ts'
import type { CommandOutcome, CommandRequest } from '../src/command.ts'
import { makeHandleCommand } from '../src/handle-command.ts'

export const NOW_MS = Date.UTC(2026, 0, 1)
export const PLACE = {
  customerId: 'c-1',
  currency: 'EUR',
  lines: [{ productId: 'p-1', quantity: 1, amount: 5 }],
}

// Its commands are a union of their own; a request carries any of them, parsed by the door before.
const context = orders as unknown as AnyContext

/** What is handled here: one aggregate after another, as one developer. */
export type CommandDesk = {
  /** An order nobody has touched yet. */
  newOrder(): string
  send(name: string, id: string, more?: Partial<CommandRequest>): Promise<CommandOutcome>
  /** How often the relay was woken. */
  wakes(): number
}

export const openCommandDesk = async (store: EventStore): Promise<CommandDesk> => {
  let wakes = 0
  const codec = await makeInMemoryCodec()
  const handle = makeHandleCommand({
    store,
    codec,
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
        name,
        body,
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
