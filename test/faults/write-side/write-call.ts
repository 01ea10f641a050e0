import { randomUUID } from 'node:crypto'
import { eventually } from '@millrace/testkit'
import type { HttpAnswer } from '../../support/http-client.ts'

/** A write as a client sends it, again and again under the same key until it has its answer. */
export type WriteCall = {
  readonly path: string
  readonly body: unknown
  readonly key: string
  readonly headers?: Readonly<Record<string, string>>
}

export type Answered = { readonly call: WriteCall; readonly answer: HttpAnswer }

const command = (path: string, body: unknown): WriteCall => ({ path, body, key: randomUUID() })

export const placeOrder = (order: string, customerId: string): WriteCall =>
  command(`/orders/${order}/place`, {
    customerId,
    currency: 'EUR',
    lines: [{ productId: 'p-1', quantity: 1, amount: 5 }],
  })
export const payOrder = (order: string): WriteCall => command(`/orders/${order}/pay`, { method: 'card' })
export const cancelOrder = (order: string): WriteCall =>
  command(`/orders/${order}/cancel`, { reason: 'changed my mind' })

const priceOf = (amount: number) => ({ amount, currency: 'EUR' })
export const addProduct = (product: string): WriteCall =>
  command(`/products/${product}/add`, { name: product, category: 'books', price: priceOf(1) })
export const retireProduct = (product: string): WriteCall => command(`/products/${product}/retire`, {})

/** An event behind the version that is expected to be the last one; `any` takes whatever that is. */
export const appendPrice = (product: string, expected: number | 'any', amount: number): WriteCall => ({
  ...command(`/streams/catalog.product-${product}/events`, [
    { type: 'ProductRepriced', data: { price: priceOf(amount) } },
  ]),
  headers: { 'expected-version': String(expected) },
})

/**
 * False for what says "ask again": an outage, too many under way, no answer in time, a first request that still runs, a
 * command that lost all its races.
 */
export const isFinal = (call: WriteCall, { status, headers }: HttpAnswer): boolean => {
  if (status === 409) return call.headers !== undefined && headers['retry-after'] === undefined
  return ![429, 503, 504].includes(status)
}

export type Sender = {
  /** Rejects when no answer came. */
  send(call: WriteCall): Promise<HttpAnswer>
}

const ANSWER_TIMEOUT_MS = 120_000

/** Asks the replicas in turn, beginning with the first, until one has a final answer. */
export const untilAnswered = (replicas: readonly Sender[], call: WriteCall): Promise<HttpAnswer> => {
  let asked = 0
  return eventually(
    () => (replicas[asked++ % replicas.length] as Sender).send(call),
    (answer) => isFinal(call, answer),
    { timeoutMs: ANSWER_TIMEOUT_MS, everyMs: 200 },
  )
}

/** What two answers to one call must have in common: all but the id of the request. */
export const sayingOf = ({ status, headers, text }: HttpAnswer): string => {
  const { instance: _, ...said } = JSON.parse(text) as Record<string, unknown>
  return JSON.stringify([status, headers['etag'], said])
}

export const isReplay = ({ headers }: HttpAnswer): boolean => headers['idempotent-replayed'] === 'true'
