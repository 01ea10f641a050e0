import { Pool, type Dispatcher } from 'undici'
import { backoffMs, messageOf, pause } from '@millrace/runtime'
import { CommandError, EXIT } from '../exit-codes.ts'

export type CommandToSend = {
  readonly path: string
  readonly idempotencyKey: string
  readonly body: unknown
}

export type CommandAnswer =
  | { readonly type: 'accepted'; readonly replayed: boolean }
  /** The service understood and said no; saying it again would not help. */
  | { readonly type: 'refused'; readonly status: number; readonly reason: string }

export type CommandClient = {
  /** Repeats the request under its key until the service answers; throws when it stays away for a minute. */
  send(command: CommandToSend): Promise<CommandAnswer>
  close(): Promise<void>
}

const GIVE_UP_AFTER_MS = 60_000
const TRIES_BEFORE_COMPLAINT = 6
const BACKOFF = { firstMs: 50, maxMs: 2_000 }
const isTemporary = (status: number): boolean => status === 409 || status === 429 || status >= 500

/** What a problem document says; of anything else its beginning. */
export const reasonOf = (text: string): string => {
  try {
    const problem: unknown = JSON.parse(text)
    if (typeof problem === 'object' && problem !== null && 'detail' in problem) return String(problem.detail)
  } catch {
    // Not a problem document: the text itself has to do.
  }
  return text.slice(0, 200)
}

const toAnswer = async (response: Dispatcher.ResponseData): Promise<CommandAnswer | 'again'> => {
  const text = await response.body.text()
  if (response.statusCode === 200)
    return { type: 'accepted', replayed: response.headers['idempotent-replayed'] === 'true' }
  if (isTemporary(response.statusCode)) return 'again'
  return { type: 'refused', status: response.statusCode, reason: reasonOf(text) }
}

/** No command would be taken: one message is better than one for each. */
const assertMayCall = (answer: CommandAnswer): CommandAnswer => {
  if (answer.type === 'accepted' || ![401, 403].includes(answer.status)) return answer
  const hint = 'set MILLRACE_TOKEN to a token that may (docs/cli.md)'
  throw new CommandError(`command-api answered ${answer.status}: ${answer.reason}; ${hint}`)
}

/** A long wait should be no riddle, and need not be told twice. */
const once = (act: () => void): (() => void) => {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}

export const connectCommandApi = (options: {
  url: string
  token: string | undefined
  connections: number
  signal: AbortSignal
  onTrouble?: (message: string) => void
}): CommandClient => {
  const { url, token, connections, signal, onTrouble = () => undefined } = options
  const pool = new Pool(url, { connections, pipelining: 1 })
  const headers = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }

  const sendOnce = async ({ path, idempotencyKey, body }: CommandToSend): Promise<CommandAnswer | 'again'> =>
    toAnswer(
      await pool.request({
        method: 'POST',
        path,
        headers: { ...headers, 'idempotency-key': idempotencyKey },
        body: JSON.stringify(body),
        signal,
      }),
    )

  const complain = once(() =>
    onTrouble(`command-api at ${url} does not answer; trying again for ${GIVE_UP_AFTER_MS / 1000} s`),
  )

  return {
    send: async (command) => {
      const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
      for (let attempt = 1; ; attempt++) {
        const answer = await sendOnce(command).catch((error: unknown) => {
          signal.throwIfAborted()
          if (performance.now() > giveUpAt) {
            throw new CommandError(
              `command-api at ${url} does not answer: ${messageOf(error)}`,
              EXIT.unavailable,
            )
          }
          return 'again' as const
        })
        if (answer !== 'again') return assertMayCall(answer)
        if (performance.now() > giveUpAt)
          throw new CommandError(`command-api at ${url} keeps failing`, EXIT.unavailable)
        if (attempt >= TRIES_BEFORE_COMPLAINT) complain()
        await pause(backoffMs(attempt, BACKOFF), signal)
      }
    },
    close: () => pool.close(),
  }
}
