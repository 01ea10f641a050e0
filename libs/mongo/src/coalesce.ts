import { PlatformError } from '@millrace/runtime'

const tooBusy = (): PlatformError =>
  new PlatformError({ code: 'STORE_BUSY', message: 'too many calls wait for MongoDB', retryable: true })

/**
 * Calls made while others are under way go out together: as many as are waiting, and a lone call at once. `run` gets
 * at most `maxItems` and answers item by item, in the same order; when it throws, the error is every item's.
 */
export const coalesce = <Item, Answer>(options: {
  readonly maxItems: number
  /** Runs at the same time; above it calls wait and gather. */
  readonly maxRuns: number
  /** Calls above it are refused at once: whoever made them would have gone before their turn. */
  readonly maxWaiting: number
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>
}): ((item: Item) => Promise<Answer>) => {
  type Waiting = { readonly item: Item; readonly answer: PromiseWithResolvers<Answer> }
  let waiting: Waiting[] = []
  let runs = 0

  const runOne = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await options.run(batch.map(({ item }) => item))
      batch.forEach(({ answer }, index) => answer.resolve(answers[index] as Answer))
    } catch (error) {
      for (const { answer } of batch) answer.reject(error)
    } finally {
      runs -= 1
      start()
    }
  }

  const start = (): void => {
    while (runs < options.maxRuns && waiting.length > 0) {
      const batch = waiting.slice(0, options.maxItems)
      waiting = waiting.slice(options.maxItems)
      runs += 1
      void runOne(batch)
    }
  }

  return (item) => {
    if (waiting.length >= options.maxWaiting) return Promise.reject(tooBusy())
    const answer = Promise.withResolvers<Answer>()
    waiting.push({ item, answer })
    // The callers of this very turn go together.
    if (waiting.length === 1) queueMicrotask(start)
    return answer.promise
  }
}
