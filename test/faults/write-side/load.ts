// Clients that never rest: each places orders and pays or cancels them, and appends to products that all of them
// share. Every command is asked again until it has its answer.

import { randomInt } from 'node:crypto'
import {
  addProduct,
  appendPrice,
  cancelOrder,
  isReplay,
  payOrder,
  placeOrder,
  sayingOf,
  untilAnswered,
  type Answered,
  type WriteCall,
} from './write-call.ts'
import type { WriteSide } from './write-side.ts'

export type LoadReport = {
  readonly answered: readonly Answered[]
  readonly slowestMs: number
}

const CLIENTS = 16
const CUSTOMERS = 16

type Client = { ask(call: WriteCall): Promise<Answered['answer']> }

export const startLoad = async (side: WriteSide) => {
  const answered: Answered[] = []
  let slowestMs = 0
  let isStopping = false
  const ask: Client['ask'] = async (call) => {
    const startedAt = performance.now()
    const inTurn = randomInt(2) === 0 ? side.replicas : side.replicas.toReversed()
    const answer = await untilAnswered(inTurn, call)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
    answered.push({ call, answer })
    return answer
  }
  const product = side.newId()
  await ask(addProduct(product))
  const customers = Array.from({ length: CUSTOMERS }, () => side.newId())
  const run = async (): Promise<void> => {
    let version = 1
    while (!isStopping) {
      const order = side.newId()
      await ask(placeOrder(order, customers[randomInt(CUSTOMERS)] ?? ''))
      if (randomInt(3) > 0) await ask(randomInt(2) === 0 ? payOrder(order) : cancelOrder(order))
      const appended = await ask(appendPrice(product, version, randomInt(1, 1_000)))
      version = Number(appended.json()[appended.status === 200 ? 'version' : 'currentVersion'])
    }
  }
  const running = Promise.all(Array.from({ length: CLIENTS }, run))
  return {
    stop: async (): Promise<LoadReport> => {
      isStopping = true
      await running
      return { answered, slowestMs }
    },
  }
}

const REPLAYS_AT_ONCE = 16

/** What was promised and is not so: each command that had its yes is in the store once, and says the same again. */
export const promiseFaults = async (side: WriteSide, answered: readonly Answered[]): Promise<string[]> => {
  const faults = answered
    .filter(({ call, answer }) => answer.status !== 200 && (answer.status !== 409 || !call.headers))
    .map(({ call, answer }) => `${call.path} was answered with ${answer.status}: ${answer.text}`)
  const left = answered.filter(({ answer }) => answer.status === 200)
  const check = async (): Promise<void> => {
    for (let next = left.pop(); next; next = left.pop()) faults.push(...(await promiseFaultsOf(side, next)))
  }
  await Promise.all(Array.from({ length: REPLAYS_AT_ONCE }, check))
  return faults
}

type Stored = { readonly stream: string; readonly last: number; readonly events: readonly { id: string }[] }

const promiseFaultsOf = async (side: WriteSide, { call, answer }: Answered): Promise<string[]> => {
  const commits = await side.servers.mongoConnection.db
    .collection('commits')
    .find({ 'idempotency.key': call.key })
    .map((document) => document as unknown as Stored)
    .toArray()
  const again = await untilAnswered(side.replicas, call)
  const promised = answer.json() as { stream: string; version: number; events: readonly { id: string }[] }
  const isKept = commits.some(
    ({ stream, last, events }) =>
      stream === promised.stream &&
      last === promised.version &&
      String(events.map(({ id }) => id)) === String(promised.events.map(({ id }) => id)),
  )
  return [
    ...(commits.length === 1 && isKept
      ? []
      : [`${call.path} was promised and is not in the store as it was`]),
    ...(isReplay(again) && sayingOf(again) === sayingOf(answer)
      ? []
      : [`${call.path} now says ${again.text}`]),
  ]
}
