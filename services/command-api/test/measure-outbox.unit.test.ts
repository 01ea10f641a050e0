import { describe, expect, it } from '@jest/globals'
import type { OutboxRows, WaitingShard } from '@millrace/mongo'
import { createMetrics } from '@millrace/runtime'
import { measureOutbox } from '../src/outbox/measure-outbox.ts'

const OLDEST = 'millrace_outbox_oldest_unpublished_seconds'
const PUBLISHED = 'millrace_outbox_published_messages_total'

const notAsked = async (): Promise<never> => {
  throw new Error('not asked for')
}

/** An outbox that only tells what waits. */
const waitingRows = (waiting: OutboxRows['waiting']): OutboxRows => ({
  next: notAsked,
  newest: notAsked,
  purge: notAsked,
  count: notAsked,
  waiting,
})

const valueOf = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  (await metrics.registry.getSingleMetric(name)?.get())?.values[0]

const ageWith = async (waiting: OutboxRows['waiting']): Promise<number | undefined> => {
  const metrics = createMetrics('test')
  measureOutbox(metrics, waitingRows(waiting))
  return (await valueOf(metrics, OLDEST))?.value
}

const since = (ageMs: number): WaitingShard => ({
  topic: 'process.state',
  partition: 0,
  since: new Date(Date.now() - ageMs),
})

describe('the metrics of the outbox', () => {
  it('tell the age of the oldest message of all shards', async () => {
    const age = await ageWith(async () => [since(1_000), since(60_000), since(5_000)])
    expect(age).toBeGreaterThanOrEqual(60)
    expect(age).toBeLessThan(70)
  })

  it('tell zero while nothing waits, also when the clock of the server is ahead', async () => {
    expect(await ageWith(async () => [])).toBeLessThan(1)
    const age = await ageWith(async () => [since(-60_000)])
    expect(age).toBeGreaterThanOrEqual(0)
    expect(age).toBeLessThan(1)
  })

  it('know no age without MongoDB', async () => {
    expect(await ageWith(() => Promise.reject(new Error('no MongoDB')))).toBeNaN()
  })

  it('count messages by topic', async () => {
    const metrics = createMetrics('test')
    const onPublished = measureOutbox(
      metrics,
      waitingRows(async () => []),
    )
    onPublished({ topic: 'process.state', partition: 0 }, 3)
    onPublished({ topic: 'process.state', partition: 1 }, 4)
    expect(await valueOf(metrics, PUBLISHED)).toMatchObject({ value: 7, labels: { topic: 'process.state' } })
  })
})
