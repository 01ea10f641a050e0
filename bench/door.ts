import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import autocannon from 'autocannon'
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

type Target = { readonly url: string; stop(): Promise<void> }

const startServer = async (mode: 'door' | 'alone'): Promise<Target> => {
  const script = fileURLToPath(new URL('./door-server.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, script, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

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

/** Latency of good requests at a steady pace, in seconds at the 99th percentile. */
const steadyP99 = async (target: Target, token: string): Promise<number> => {
  const result = await run(target, token, { connections: 8, overallRate: 500, duration: 5 })
  return result.latency.p99 / 1000
}

/** The same beside 5,000 requests a second with tokens that are no good. */
const floodedP99 = async (target: Target, token: string): Promise<number> => {
  const flood = autocannon({
    ...requestsTo(target, `${token.slice(0, -8)}AAAAAAAA`),
    connections: 16,
    overallRate: 5_000,
    duration: 6,
  })
  const p99 = await steadyP99(target, token)
  await flood
  return p99
}

/** The door's cost: requests a second through it against the same handler on Express alone, 64 connections. */
export const benchDoor = async ({ rounds, n = 40_000 }: BenchSettings): Promise<BenchLine[]> => {
  const [door, alone] = await Promise.all([startServer('door'), startServer('alone')])
  const token = await signToken('bench')
  const secondsOf = async (target: Target): Promise<number> =>
    (await run(target, token, { amount: n, sampleInt: SAMPLE_MS })).duration
  try {
    const main = await compare(
      () => secondsOf(door),
      () => secondsOf(alone),
      rounds,
    )
    const flood = await compare(
      () => floodedP99(door, token),
      () => steadyP99(door, token),
      rounds,
    )
    return [
      toLine({ name: 'door', question: 'main', n, of: 'the same handler on Express alone' }, main),
      toLine({ name: 'door', question: 'flood', n: 1, of: 'p99 without the flood' }, flood),
    ]
  } finally {
    await Promise.all([door.stop(), alone.stop()])
  }
}
