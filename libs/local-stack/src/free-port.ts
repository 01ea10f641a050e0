import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { LocalStackError } from './local-stack-error.ts'

export const LOOPBACK = '127.0.0.1'

/** Below the range from which systems take the ports of outgoing connections, so that none slips in between. */
const RANDOM_PORTS = { from: 20_000, to: 32_000 }
const MAX_TRIES = 100

export type PortWish = {
  /** In this order; the first that is free is taken. */
  readonly wanted: readonly number[]
  /** Given to another server that may not listen yet. */
  readonly taken: ReadonlySet<number>
  readonly isFree?: (port: number) => Promise<boolean>
}

export const choosePort = async ({ wanted, taken, isFree = isPortFree }: PortWish): Promise<number> => {
  for (const port of wanted) if (!taken.has(port) && (await isFree(port))) return port
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const port = randomInt(RANDOM_PORTS.from, RANDOM_PORTS.to)
    if (!taken.has(port) && (await isFree(port))) return port
  }
  throw new LocalStackError('port-taken', `No free port was found on ${LOOPBACK}.`, {
    nextStep: 'End some of the programs that listen there, then start again.',
  })
}

/** A server bound to all addresses blocks this too, which is what we want to know. */
export const isPortFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: LOOPBACK, exclusive: true }, () => probe.close(() => resolve(true)))
  })
