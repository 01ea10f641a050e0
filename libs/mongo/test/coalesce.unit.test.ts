import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import { coalesce, type Weight } from '../src/coalesce.ts'

/** Runs that end when the test says so. */
const controlled = (limits: {
  maxItems: number
  maxRuns: number
  maxWaiting?: number
  weight?: Weight<number>
}) => {
  const runs: { items: readonly number[]; end: PromiseWithResolvers<readonly string[]> }[] = []
  const call = coalesce<number, string>({
    maxWaiting: 100,
    ...limits,
    run: (items) => {
      const end = Promise.withResolvers<readonly string[]>()
      runs.push({ items, end })
      return end.promise
    },
  })
  const finish = (place: number): void => {
    const run = runs[place]
    run?.end.resolve(run.items.map((item) => `answer ${item}`))
  }
  return {
    call,
    finish,
    items: () => runs.map((run) => run.items),
    fail: (place: number, error: Error) => runs[place]?.end.reject(error),
  }
}

describe('coalesce', () => {
  it('lets a lone call go at once', async () => {
    const { call, finish, items } = controlled({ maxItems: 10, maxRuns: 1 })
    const answer = call(1)
    await nextTurn()
    expect(items()).toEqual([[1]])
    finish(0)
    await expect(answer).resolves.toBe('answer 1')
  })

  it('sends the calls of one turn together and answers each by its place', async () => {
    const { call, finish, items } = controlled({ maxItems: 10, maxRuns: 1 })
    const answers = [3, 1, 2].map(call)
    await nextTurn()
    finish(0)
    expect(await Promise.all(answers)).toEqual(['answer 3', 'answer 1', 'answer 2'])
    expect(items()).toEqual([[3, 1, 2]])
  })

  it('refuses at once what would have to wait too long', async () => {
    const { call, finish } = controlled({ maxItems: 1, maxRuns: 1, maxWaiting: 1 })
    const first = call(1)
    await nextTurn()
    const second = call(2)
    await expect(call(3)).rejects.toMatchObject({ code: 'STORE_BUSY', retryable: true })
    finish(0)
    await first
    await nextTurn()
    finish(1)
    await expect(second).resolves.toBe('answer 2')
  })

  it('gathers what arrives while all runs are under way', async () => {
    const { call, finish, items } = controlled({ maxItems: 10, maxRuns: 1 })
    const answers = [call(1)]
    await nextTurn()
    answers.push(call(2))
    await nextTurn()
    answers.push(call(3))
    await nextTurn()
    expect(items()).toEqual([[1]])
    finish(0)
    await nextTurn()
    expect(items()).toEqual([[1], [2, 3]])
    finish(1)
    expect(await Promise.all(answers)).toEqual(['answer 1', 'answer 2', 'answer 3'])
  })

  it('never has more runs under way than allowed, and starts the oldest waiting first', async () => {
    const { call, finish, items } = controlled({ maxItems: 1, maxRuns: 2 })
    const answers = [1, 2, 3, 4].map(call)
    await nextTurn()
    expect(items()).toEqual([[1], [2]])
    finish(1)
    await nextTurn()
    expect(items()).toEqual([[1], [2], [3]])
    finish(0)
    finish(2)
    await nextTurn()
    finish(3)
    expect(await Promise.all(answers)).toHaveLength(4)
  })

  it('splits what waits into runs of the largest size allowed', async () => {
    const { call, items } = controlled({ maxItems: 2, maxRuns: 3 })
    for (const item of [1, 2, 3, 4, 5]) void call(item)
    await nextTurn()
    expect(items()).toEqual([[1, 2], [3, 4], [5]])
  })

  it('gives an error to all calls of its run and to no others', async () => {
    const { call, finish, fail } = controlled({ maxItems: 2, maxRuns: 1 })
    const answers = [1, 2, 3].map(call)
    const settled = Promise.allSettled(answers)
    await nextTurn()
    fail(0, new Error('outage'))
    await nextTurn()
    finish(1)
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })

  it('goes on after a run that throws before it is under way', async () => {
    let isBroken = true
    const call = coalesce<number, number>({
      maxItems: 1,
      maxRuns: 1,
      maxWaiting: 100,
      run: (items) => {
        if (isBroken) throw new Error('broken')
        return Promise.resolve(items)
      },
    })
    await expect(call(1)).rejects.toThrow('broken')
    isBroken = false
    await expect(call(2)).resolves.toBe(2)
  })

  describe('of items that have a weight', () => {
    const weighed = ({ maxItems = 10, maxBytes = 10, maxWaitingBytes = 100 }) =>
      controlled({ maxItems, maxRuns: 1, weight: { bytesOf: (item) => item, maxBytes, maxWaitingBytes } })

    it('runs as many together as have at most that weight, in their order', async () => {
      const { call, finish, items } = weighed({})
      const answers = [4, 6, 1, 9, 2].map(call)
      for (const place of [0, 1, 2]) {
        await nextTurn()
        finish(place)
      }
      expect(await Promise.all(answers)).toEqual([4, 6, 1, 9, 2].map((item) => `answer ${item}`))
      expect(items()).toEqual([[4, 6], [1, 9], [2]])
    })

    it('never runs more of them than without', async () => {
      const { call, items } = weighed({ maxItems: 2 })
      for (const item of [1, 1, 1]) void call(item)
      await nextTurn()
      expect(items()).toEqual([[1, 1]])
    })

    it('lets one that is above all weight go alone', async () => {
      const { call, finish, items } = weighed({ maxWaitingBytes: 10 })
      void call(500)
      await nextTurn()
      void call(3)
      finish(0)
      await nextTurn()
      expect(items()).toEqual([[500], [3]])
    })

    it('refuses at once what would make too much weight wait, and takes what still fits', async () => {
      const { call, finish, items } = weighed({ maxWaitingBytes: 20 })
      void call(10)
      await nextTurn()
      // Under way is not waiting.
      void call(15)
      await expect(call(6)).rejects.toMatchObject({ code: 'STORE_BUSY', retryable: true })
      void call(5)
      finish(0)
      await nextTurn()
      finish(1)
      await nextTurn()
      expect(items()).toEqual([[10], [15], [5]])
    })
  })
})
