import { makeWaitingLine, PlatformError } from '@millrace/runtime'

const tooBusy = (): PlatformError =>
  new PlatformError({ code: 'STORE_BUSY', message: 'too many calls wait for MongoDB', retryable: true })

/** For items of which a few can weigh as much as thousands of others. */
export type Weight<Item> = {
  readonly bytesOf: (item: Item) => number
  /** Of one run; an item above it goes alone. */
  readonly maxBytes: number
  /** Calls above it are refused, as above `maxWaiting`; one that finds nobody waiting is not, whatever it weighs. */
  readonly maxWaitingBytes: number
}

const WEIGHTLESS: Weight<unknown> = { bytesOf: () => 0, maxBytes: 0, maxWaitingBytes: 0 }

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
  readonly weight?: Weight<Item>
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>
}): ((item: Item) => Promise<Answer>) => {
  const { bytesOf, maxBytes, maxWaitingBytes } = options.weight ?? WEIGHTLESS
  const mostAtOnce = { items: options.maxItems, bytes: maxBytes }
  type Call = {
    readonly item: Item
    readonly bytes: number
    readonly answer: PromiseWithResolvers<Answer>
  }
  const line = makeWaitingLine<Call>({ items: options.maxWaiting, bytes: maxWaitingBytes })
  let runs = 0

  const runOne = async (batch: readonly Call[]): Promise<void> => {
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
    while (runs < options.maxRuns && line.length() > 0) {
      runs += 1
      void runOne(line.take(mostAtOnce))
    }
  }

  return (item) => {
    const answer = Promise.withResolvers<Answer>()
    if (!line.join({ item, bytes: bytesOf(item), answer })) return Promise.reject(tooBusy())
    // The callers of this very turn go together.
    if (line.length() === 1) queueMicrotask(start)
    return answer.promise
  }
}
