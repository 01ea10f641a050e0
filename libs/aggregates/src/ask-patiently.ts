import type { SnapshotStore } from '@millrace/mongo'

/** Longer than any healthy answer takes, shorter than who waits for the aggregate is patient. */
const PATIENCE_MS = 2_000
/** A store that did not answer is left alone for so long, or each load would wait for it anew. */
const REST_MS = 5_000

export type Patience = { readonly patienceMs?: number; readonly restMs?: number }

type Closest = SnapshotStore['closest']

/**
 * `closest` of a store that may be down or slow. Snapshots save time, so they must not cost a load that the event
 * store can answer: without an answer there is none, and `onSilence` is told.
 */
export const askPatiently = (
  closest: Closest,
  onSilence: (stream: Parameters<Closest>[0]) => void,
  { patienceMs = PATIENCE_MS, restMs = REST_MS }: Patience = {},
): Closest => {
  let restsUntilMs = 0
  return async (stream, upTo) => {
    if (performance.now() >= restsUntilMs) {
      const answer = await answerWithin(closest(stream, upTo), patienceMs)
      if (answer !== 'none') return answer.value
      restsUntilMs = performance.now() + restMs
    }
    onSilence(stream)
    return undefined
  }
}

const answerWithin = async <T>(asked: Promise<T>, ms: number): Promise<{ value: T } | 'none'> => {
  const late = Promise.withResolvers<'none'>()
  const timer = setTimeout(() => late.resolve('none'), ms)
  const answer = asked.then(
    (value) => ({ value }),
    () => 'none' as const,
  )
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
