/** Delay before try number `attempt` (1, 2, …): doubles from `firstMs` to `maxMs`. */
export const backoffMs = (attempt: number, limits: { firstMs: number; maxMs: number }): number =>
  Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(attempt - 1, 30))

/** Resolves after `ms`, or at once when there is nothing to wait for or `signal` aborts. Never rejects. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> => {
  const done = Promise.withResolvers<void>()
  if (ms <= 0 || signal?.aborted) return Promise.resolve()
  const finish = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', finish)
    done.resolve()
  }
  const timer = setTimeout(finish, ms)
  signal?.addEventListener('abort', finish)
  return done.promise
}
