// A process of its own for `bench door`: requests at a steady pace, whatever the answers take, so that one load does not
// keep the other from sending. Prints their latency at the 99th percentile, in seconds.

import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'

const EVERY_MS = 2
/** Not counted: this process and its rival start, and the server meets them. */
const WARM_UP_SECONDS = 2

type Load = {
  readonly url: string
  readonly token: string
  readonly body: string
  readonly perSecond: number
  readonly seconds: number
  readonly connections: number
  readonly status: number
}

const run = async (load: Load): Promise<number> => {
  const pool = new Pool(load.url, { connections: load.connections, pipelining: 1 })
  const seconds: number[] = []
  const beganAt = performance.now()
  const countedFrom = beganAt + WARM_UP_SECONDS * 1_000
  const send = async (): Promise<void> => {
    const startedAt = performance.now()
    const answer = await pool.request({
      method: 'POST',
      path: '/orders/o-17/place',
      headers: {
        'content-type': 'application/json',
        'idempotency-key': 'bench',
        authorization: `Bearer ${load.token}`,
      },
      body: load.body,
    })
    await answer.body.dump()
    if (![load.status, 429].includes(answer.statusCode)) throw new Error(`answered ${answer.statusCode}`)
    const endedAt = performance.now()
    if (startedAt >= countedFrom) seconds.push((endedAt - startedAt) / 1_000)
  }
  const sent: Promise<void>[] = []
  const passed = (): number => (performance.now() - beganAt) / 1_000
  while (passed() < WARM_UP_SECONDS + load.seconds) {
    while (sent.length < passed() * load.perSecond) sent.push(send())
    await sleep(EVERY_MS)
  }
  await Promise.all(sent)
  await pool.close()
  return seconds.sort((a, b) => a - b)[Math.floor(seconds.length * 0.99)] ?? Number.NaN
}

process.stdout.write(`${await run(JSON.parse(process.argv[2] ?? '{}') as Load)}\n`)
