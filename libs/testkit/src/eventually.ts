import { inspect } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'

const DEFAULT_TIMEOUT_MS = 10_000
const DEFAULT_POLL_EVERY_MS = 20

type Patience = {
  readonly timeoutMs?: number
  readonly everyMs?: number
}

type Attempt<Value> =
  | { readonly type: 'value'; readonly value: Value }
  | { readonly type: 'failed'; readonly error: unknown }
  | { readonly type: 'unanswered' }

/**
 * Reads until the predicate holds and returns the value it held for: the only place where a test waits. A read that
 * throws counts as "not yet", and one that hangs is given up at the deadline; the error then tells the last answer.
 */
export const eventually = async <Value>(
  read: () => Promise<Value> | Value,
  predicate: (value: Value) => boolean,
  { timeoutMs = DEFAULT_TIMEOUT_MS, everyMs = DEFAULT_POLL_EVERY_MS }: Patience = {},
): Promise<Value> => {
  const deadlineMs = performance.now() + timeoutMs
  let last: Attempt<Value> = { type: 'unanswered' }
  do {
    const attempt: Attempt<Value> = await attemptWithin(deadlineMs - performance.now(), read)
    if (attempt.type === 'value' && predicate(attempt.value)) return attempt.value
    if (attempt.type !== 'unanswered') last = attempt
    await sleep(Math.min(everyMs, Math.max(0, deadlineMs - performance.now())))
  } while (performance.now() < deadlineMs)
  throw notInTime(timeoutMs, last)
}

const attemptWithin = async <Value>(
  leftMs: number,
  read: () => Promise<Value> | Value,
): Promise<Attempt<Value>> => {
  const patience = new AbortController()
  const unanswered = sleep<Attempt<Value>>(Math.max(0, leftMs), { type: 'unanswered' }, patience)
  try {
    return await Promise.race([attempt(read), unanswered])
  } finally {
    patience.abort()
  }
}

const attempt = async <Value>(read: () => Promise<Value> | Value): Promise<Attempt<Value>> => {
  try {
    return { type: 'value', value: await read() }
  } catch (error) {
    return { type: 'failed', error }
  }
}

const notInTime = (timeoutMs: number, last: Attempt<unknown>): Error => {
  switch (last.type) {
    case 'value':
      return new Error(`Not so within ${timeoutMs} ms; last read ${inspect(last.value, { depth: 6 })}`)
    case 'failed':
      return new Error(`Not so within ${timeoutMs} ms; the last read failed`, { cause: last.error })
    case 'unanswered':
      return new Error(`Not so within ${timeoutMs} ms; no read was answered`)
  }
}
