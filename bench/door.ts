import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
import { startChildServer, type ChildServer } from './child-server.ts'
import { signToken } from './door-identity.ts'
import { compare, toLine, type BenchLine, type BenchSettings } from './measure.ts'

const body = JSON.stringify({
  customerId: 'c-1029',
  currency: 'EUR',
  lines: [
    { productId: 'lamp-17', quantity: 2, amount: 4990 },
    { productId: 'shade-4', quantity: 1, amount: 1250 },
  ],
})

type Target = ChildServer

const startServer = (mode: 'door' | 'alone'): Promise<Target> =>
  startChildServer(fileURLToPath(new URL('./door-server.ts', import.meta.url)), [mode])

/** Half a second each: on a machine that others use as well, many short rounds agree sooner than a few long ones. */
const SHORT_ROUNDS = 4

/** autocannon notices at a sample that it is done. */
const SAMPLE_MS = 20

type Load = Partial<Omit<autocannon.Options, 'url'>>

const requestsTo = ({ url }: Target, token: string): autocannon.Options => ({
  url: `${url}/orders/o-17/place`,
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'idempotency-key': 'bench',
    authorization: `Bearer ${token}`,
  },
  body,
  connections: 64,
})

const run = async (target: Target, token: string, load: Load) => {
  const result = await autocannon({ ...requestsTo(target, token), ...load })
  const failed = result.non2xx + result.errors + result.timeouts
  if (failed > 0) throw new Error(`${failed} requests to ${target.url} failed`)
  return result
}

type Flooded = { readonly target: Target; readonly status: number }
type Pace = { readonly perSecond: number; readonly seconds: number; readonly status: number }

/** Seconds at the 99th percentile, of requests from a process of their own. */
const paced = async (target: Target, token: string, pace: Pace): Promise<number> => {
  const script = fileURLToPath(new URL('./door-load.ts', import.meta.url))
  const load = JSON.stringify({ url: target.url, token, body, connections: 16, ...pace })
  const child = spawn(process.execPath, [...process.execArgv, script, load], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [p99] = (await once(createInterface(child.stdout), 'line')) as [string]
  return Number(p99)
}

const steadyP99 = (target: Target, token: string): Promise<number> =>
  paced(target, token, { perSecond: 300, seconds: 5, status: 200 })

/** The same beside 2,000 requests a second to `flooded` with tokens that are no good. */
const floodedP99 = async (target: Target, token: string, flooded: Flooded): Promise<number> => {
  const bad = `${token.slice(0, -8)}AAAAAAAA`
  const flood = paced(flooded.target, bad, { perSecond: 2_000, seconds: 6, status: flooded.status })
  const p99 = await steadyP99(target, token)
  await flood
  return p99
}

/** The door's cost: requests a second through it against the same handler on Express alone, 64 connections. */
export const benchDoor = async ({ rounds, n = 10_000 }: BenchSettings): Promise<BenchLine[]> => {
  const [door, alone] = await Promise.all([startServer('door'), startServer('alone')])
  const token = await signToken('bench')
  const secondsOf = async (target: Target): Promise<number> =>
    (await run(target, token, { amount: n, sampleInt: SAMPLE_MS })).duration
  try {
    const main = await compare(
      () => secondsOf(door),
      () => secondsOf(alone),
      SHORT_ROUNDS * rounds,
    )
    const flooded = () => floodedP99(door, token, { target: door, status: 401 })
    const flood = await compare(flooded, () => steadyP99(door, token), rounds)
    // On two cores the senders of the flood take from everybody what the door does not.
    const elsewhere = () => floodedP99(door, token, { target: alone, status: 200 })
    const share = await compare(flooded, elsewhere, rounds)
    return [
      toLine({ name: 'door', question: 'main', n, of: 'the same handler on Express alone' }, main),
      toLine({ name: 'door', question: 'flood', n: 1, of: 'p99 without the flood' }, flood),
      toLine({ name: 'door', question: 'flood-share', n: 1, of: 'p99 with it on another server' }, share),
    ]
  } finally {
    await Promise.all([door.stop(), alone.stop()])
  }
}
