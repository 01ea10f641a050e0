// When requests have to be answered. A timer for each would cost more than the rest of the door; here all requests with the
// same time allowed stand in one line, in the order in which they end, and one timer looks at the heads of the lines. It
// stops by itself when nobody waits.

import { problems, type ProblemError } from './problem.ts'

export type Deadline = {
  /** Aborts with a 504 problem when the time has passed, or with what `abandon` was given. Made when it is asked for. */
  readonly signal: AbortSignal
  readonly hasPassed: boolean
  /** The answer is there: nothing happens any more. */
  end(): void
  /** Nobody waits for the answer any more. */
  abandon(reason: Error): void
}

export type Deadlines = {
  /** `onPass` is called once with the 504 when neither `end` nor `abandon` was called within `ms`. */
  start(ms: number, onPass: (problem: ProblemError) => void): Deadline
  /** How many have neither passed nor ended. */
  readonly size: number
}

/** Deadlines pass this much too late at most. */
const TICK_MS = 250

const problemAfter = (ms: number): ProblemError =>
  problems.timeout(
    `no answer within ${ms / 1000} s; it is not known whether the request took effect: repeat it with the same Idempotency-Key`,
  )

type Line = Set<Pending>

class Pending implements Deadline {
  readonly dueMs: number
  hasPassed = false
  readonly #allowedMs: number
  readonly #line: Line
  #onPass: ((problem: ProblemError) => void) | undefined
  #controller: AbortController | undefined
  #reason: Error | undefined

  constructor(line: Line, allowed: { ms: number; dueMs: number }, onPass: (problem: ProblemError) => void) {
    this.#line = line
    this.#allowedMs = allowed.ms
    this.dueMs = allowed.dueMs
    this.#onPass = onPass
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#reason) this.#controller.abort(this.#reason)
    return this.#controller.signal
  }

  end(): void {
    this.#leave()
  }

  abandon(reason: Error): void {
    if (!this.#leave()) return
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  /**
   * Forgets its request as well: the tables that the set has grown out of hold what they held when they were left, and one
   * that has come into the old generation would keep requests until that is collected.
   */
  #leave(): boolean {
    this.#onPass = undefined
    return this.#line.delete(this)
  }

  pass(): void {
    const problem = problemAfter(this.#allowedMs)
    const onPass = this.#onPass
    this.hasPassed = true
    this.abandon(problem)
    onPass?.(problem)
  }
}

export const makeDeadlines = (tickMs = TICK_MS): Deadlines => {
  const lines = new Map<number, Line>()
  let timer: NodeJS.Timeout | undefined
  const passDue = (line: Line, nowMs: number): void => {
    for (const pending of line) {
      if (pending.dueMs > nowMs) return
      pending.pass()
    }
  }
  const tick = (): void => {
    const nowMs = performance.now()
    for (const [ms, line] of lines) {
      passDue(line, nowMs)
      if (line.size === 0) lines.delete(ms)
    }
    if (lines.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  const lineFor = (ms: number): Line => {
    const known = lines.get(ms)
    if (known) return known
    const line: Line = new Set()
    lines.set(ms, line)
    return line
  }

  return {
    start: (ms, onPass) => {
      timer ??= setInterval(tick, tickMs).unref()
      const line = lineFor(ms)
      const pending = new Pending(line, { ms, dueMs: performance.now() + ms }, onPass)
      line.add(pending)
      return pending
    },
    get size() {
      return [...lines.values()].reduce((sum, line) => sum + line.size, 0)
    },
  }
}
