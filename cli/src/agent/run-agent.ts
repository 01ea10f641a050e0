import { hostname } from 'node:os'
import { messageOf, pause, type Logger } from '@millrace/runtime'
import { CommandError } from '../exit-codes.ts'
import { reasonOf } from '../import/command-client.ts'
import { makeHeartbeats, mapName } from './heartbeats.ts'
import { readKernelUnits, readProcessTable } from './process-table.ts'

export type AgentOptions = {
  /** Root of command-api. */
  readonly url: string
  readonly token: string | undefined
  readonly everyMs: number
  readonly logger: Logger
  readonly signal: AbortSignal
}

const BATCH = 500
const POST_TIMEOUT_MS = 5_000

const post = async ({ url, token, signal }: AgentOptions, heartbeats: readonly unknown[]): Promise<void> => {
  const response = await fetch(new URL('/heartbeats', url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(heartbeats),
    signal: AbortSignal.any([signal, AbortSignal.timeout(POST_TIMEOUT_MS)]),
  })
  if (response.status !== 202)
    throw new Error(`command-api answered ${response.status}: ${reasonOf(await response.text())}`)
  await response.arrayBuffer()
}

/**
 * Posts this machine's process table as heartbeats until the signal fires. A beat that cannot be delivered is
 * dropped: the next one says more. What keeps going wrong is logged once.
 */
export const runAgent = async (options: AgentOptions): Promise<void> => {
  const { logger, signal, everyMs } = options
  if (process.platform !== 'linux') throw new CommandError('the agent reads /proc, which only Linux has')
  const heartbeatsOf = makeHeartbeats(mapName(hostname()), await readKernelUnits())
  let trouble: string | undefined
  while (!signal.aborted) {
    const startedAt = performance.now()
    const heartbeats = heartbeatsOf(await readProcessTable(), Date.now())
    try {
      for (let from = 0; from < heartbeats.length; from += BATCH)
        await post(options, heartbeats.slice(from, from + BATCH))
      trouble = undefined
    } catch (error) {
      if (!signal.aborted && messageOf(error) !== trouble) logger.warn({ err: error }, 'heartbeats dropped')
      trouble = messageOf(error)
    }
    await pause(Math.max(0, everyMs - (performance.now() - startedAt)), signal)
  }
}
