import { describe, expect, it } from '@jest/globals'
import type { Taken } from '@millrace/aggregates'
import { catalog, ImpossibleEventError } from '@millrace/domain'
import { DecodeError, RegistryUnavailableError } from '@millrace/events'
import { createMetrics, PlatformError, silentLogger, type Logger } from '@millrace/runtime'
import { compactorMetrics } from '../src/compactor-metrics.ts'
import type { Due } from '../src/plan-snapshots.ts'
import { makeTakeSnapshots } from '../src/take-snapshots.ts'

const due = (id: string, version = 100): Due => ({
  touched: { ref: { tenant: 'demo', context: catalog, id }, version, atMs: 0, startedAtMs: 0 },
  reason: 'events',
})

const taken: Taken = { snapshot: {} as Taken['snapshot'], isNew: true, from: 'snapshot', dropped: [] }

const rigOf = (refresh: (id: string) => Promise<Taken | undefined>, concurrency = 3) => {
  const tried: string[] = []
  const errors: object[] = []
  const logger: Logger = { ...silentLogger, error: (fields: object) => void errors.push(fields) }
  const stop = new AbortController()
  const registry = createMetrics('test')
  const takeSnapshots = makeTakeSnapshots({
    snapshotter: {
      refresh: (ref) => {
        tried.push(ref.id)
        return refresh(ref.id)
      },
    },
    concurrency,
    metrics: compactorMetrics(registry),
    logger,
    signal: stop.signal,
  })
  const count = async (name: string): Promise<number> => {
    const metric = await registry.registry.getSingleMetric(name)?.get()
    return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0)
  }
  return { takeSnapshots, tried, errors, stop, count }
}

describe('taking snapshots', () => {
  it('tries each that is due, some at a time', async () => {
    let underWay = 0
    let most = 0
    const { takeSnapshots, tried, count } = rigOf(async () => {
      underWay += 1
      most = Math.max(most, underWay)
      await new Promise(setImmediate)
      underWay -= 1
      return taken
    })
    const ids = Array.from({ length: 10 }, (_, index) => `p-${index}`)
    // Two lanes at the same time share the bound.
    await Promise.all([
      takeSnapshots(ids.slice(0, 5).map((id) => due(id))),
      takeSnapshots(ids.slice(5).map((id) => due(id))),
    ])
    expect(tried.toSorted()).toEqual(ids)
    expect(most).toBe(3)
    expect(await count('millrace_snapshots_taken_total')).toBe(10)
  })

  it.each([
    new ImpossibleEventError('ProductRepriced', 'absent'),
    new DecodeError({ code: 'truncated', message: 'the bytes end early' }),
    new PlatformError({ code: 'MONGO_FAILED', message: 'the document is too large', retryable: false }),
    new TypeError('a fault in a fold'),
  ])('passes over a stream that is bad itself, says so, and goes on: %s', async (error) => {
    const { takeSnapshots, tried, errors, count } = rigOf(async (id) => {
      if (id === 'bad') throw error
      return taken
    }, 1)
    await takeSnapshots([due('a'), due('bad'), due('b')])
    expect(tried).toEqual(['a', 'bad', 'b'])
    expect(errors).toEqual([{ tenant: 'demo', stream: 'catalog.product-bad', version: 100, err: error }])
    expect(await count('millrace_snapshots_failed_total')).toBe(1)
  })

  it('leaves a stream alone that failed, until it has grown', async () => {
    const { takeSnapshots, tried } = rigOf(async () => {
      throw new ImpossibleEventError('ProductRepriced', 'absent')
    })
    for (const version of [100, 101, 199, 200, 201]) await takeSnapshots([due('bad', version)])
    expect(tried).toHaveLength(2)
  })

  it.each([
    new PlatformError({ code: 'MONGO_UNAVAILABLE', message: 'no primary', retryable: true }),
    new RegistryUnavailableError('no answer'),
  ])('stops at an outage, when what is under way has come to rest: %s', async (error) => {
    const release = Promise.withResolvers<undefined>()
    let rested = false
    const { takeSnapshots, tried, errors } = rigOf(async (id) => {
      if (id === 'down') throw error
      await release.promise
      rested = true
      return taken
    }, 2)
    const attempt = takeSnapshots([due('slow'), due('down'), due('never')])
    setImmediate(() => release.resolve(undefined))
    await expect(attempt).rejects.toBe(error)
    expect([rested, tried, errors]).toEqual([true, ['slow', 'down'], []])
  })

  it('begins nothing new when the service stops', async () => {
    const { takeSnapshots, tried, stop } = rigOf(async () => {
      stop.abort()
      return taken
    }, 1)
    await expect(takeSnapshots([due('a'), due('b')])).rejects.toThrow(/aborted/)
    expect(tried).toEqual(['a'])
  })
})
