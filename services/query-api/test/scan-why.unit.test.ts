import { beforeAll, describe, expect, it } from '@jest/globals'
import { customerSessions, openOrders, versionedName, type AnyProjection } from '@millrace/domain'
import { makeInMemoryCodec, type Codec } from '@millrace/events'
import type { Fate, LogEvent, LogQuery } from '@millrace/mongo'
import { orderPaid, orderPlaced } from '@millrace/testkit'
import { makeOpenEvents } from '../src/why/open-events.ts'
import { makeScanWhy, type ScanFindings, type ScanQuestion } from '../src/why/scan-why.ts'

const TOPIC = 'orders.order.events'
const MONTH_MS = 31 * 86_400_000

let codec: Codec
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})

type Sketch = {
  readonly customer?: string
  readonly paid?: boolean
  readonly at?: number
  readonly bytes?: Buffer
}

const logOf = (sketches: readonly Sketch[]): LogEvent[] =>
  sketches.map(({ customer: customerId = 'c-1', paid = false, at = 0, bytes }, index) => {
    const event = paid ? orderPaid({ customerId }) : orderPlaced({ customerId })
    return {
      ...{ id: `e-${index + 1}`, type: event.type, stream: `orders.order-o-${index}`, version: paid ? 2 : 1 },
      ...{ occurredAt: at, bytes: bytes ?? codec.encode(TOPIC, event), topic: TOPIC, partition: 0 },
      ...{ correlationId: 'c', causationId: 'c', actor: 'dev', sequence: index + 1 },
    }
  })

/** One partition, of which most events are of nobody's interest when `gap` is above 1. */
const scannerOf = (projection: AnyProjection, log: readonly LogEvent[], fate: Fate = 'applied') => {
  const queries: LogQuery[] = []
  const why = makeScanWhy({
    log: {
      read: async (query) => {
        queries.push(query)
        const after = query.after[`${TOPIC}/0`] ?? 0
        const end = after + Math.min(query.limits.events, query.limits.lookedAt)
        const events = log.filter(({ sequence }) => sequence > after && sequence <= end)
        const reached = Math.min(end, log.at(-1)?.sequence ?? 0)
        return { events, position: { [`${TOPIC}/0`]: reached }, isAtEnd: reached === log.at(-1)?.sequence }
      },
    },
    lanes: { fatesOf: async (_, events) => events.map(() => fate) },
    openEvents: makeOpenEvents(codec),
  })
  const served = { projection, build: versionedName(projection), isCurrent: () => true }
  const ask = (question: Partial<ScanQuestion> = {}): Promise<ScanFindings> =>
    why(served, {
      ...{ tenant: 'demo', key: 'c-1', field: undefined, limit: 50, from: undefined },
      ...{ signal: new AbortController().signal, ...question },
    })
  return { ask, queries }
}

const walk = async (ask: (question: Partial<ScanQuestion>) => Promise<ScanFindings>, question = {}) => {
  const pages: ScanFindings[] = []
  let from: ScanQuestion['from']
  do {
    const page = await ask({ ...question, from })
    pages.push(page)
    from = page.end ?? undefined
  } while (from)
  return pages
}

const idsOf = (pages: readonly ScanFindings[]): string[] =>
  pages.flatMap(({ items }) => items.map(({ eventId }) => eventId))

describe('a scan', () => {
  it('ends after a bounded stretch, says how far it came, and goes on there', async () => {
    const bytes = codec.encode(TOPIC, orderPlaced({ customerId: 'c-2' }))
    const log = logOf(Array.from({ length: 12_000 }, () => ({ bytes })))
    const { ask } = scannerOf(customerSessions, [
      ...log,
      ...logOf([{}]).map((one) => ({ ...one, id: 'last', sequence: 12_001 })),
    ])
    const first = await ask()
    expect([first.items, first.looked, first.isFound]).toEqual([[], 10_000, false])
    const second = await ask({ from: first.end ?? undefined })
    expect([second.items.length, second.looked, second.end]).toEqual([1, 12_001, null])
  })

  it('asks for the types only that the projection handles', async () => {
    const { ask, queries } = scannerOf(openOrders, logOf([{}]))
    await ask()
    expect(queries[0]?.types).toEqual(expect.arrayContaining(['OrderPlaced', 'OrderPaid', 'OrderCancelled']))
    expect(queries[0]?.types).not.toContain('OrderShipped')
    expect(queries[0]?.partitions).toHaveLength(6)
  })

  it('neither skips nor repeats an event, wherever its pages end', async () => {
    const sketches = Array.from({ length: 40 }, (_, index) => ({
      customer: `c-${index % 3}`,
      at: index * MONTH_MS,
    }))
    const { ask } = scannerOf(customerSessions, logOf(sketches))
    const expected = sketches.flatMap(({ customer }, index) => (customer === 'c-1' ? [`e-${index + 1}`] : []))
    for (const limit of [1, 2, 5, 13, 14]) expect(idsOf(await walk(ask, { limit }))).toEqual(expected)
  })

  it('says when a cursor could not carry what was folded', async () => {
    // A month of its own for each: as many partials.
    const sketches = Array.from({ length: 120 }, (_, index) => ({ at: index * MONTH_MS }))
    const { ask } = scannerOf(customerSessions, logOf(sketches))
    const pages = await walk(ask, { limit: 20 })
    expect(idsOf(pages)).toHaveLength(120)
    expect(pages.map(({ foldedFrom }) => foldedFrom)).toEqual(
      ['start', 'start', 'page', 'page', 'page', 'page', 'page'].slice(0, pages.length),
    )
    for (const { end } of pages) expect(JSON.stringify(end).length).toBeLessThan(5_000)
  })

  it('folds an inline document over all partitions, as its commits did', async () => {
    const { ask } = scannerOf(openOrders, logOf([{}, {}, { paid: true }, { paid: true }]), 'pending')
    const { items } = await ask({ field: 'open' })
    expect(items.map(({ before, after, state }) => [before, after, state])).toEqual([
      [undefined, 1, 'applied'],
      [1, 2, 'applied'],
      [2, 1, 'applied'],
      [1, undefined, 'applied'],
    ])
  })

  it('counts what it cannot read', async () => {
    const { ask } = scannerOf(customerSessions, logOf([{}, { bytes: Buffer.from('no event at all') }]))
    expect(await ask()).toMatchObject({ unreadable: 1, items: [{ eventId: 'e-1' }] })
  })

  it('shows what is in no document, without folding it, whichever field is asked for', async () => {
    for (const fate of ['parked', 'late', 'pending'] as const) {
      const { items, fields } = await scannerOf(customerSessions, logOf([{}]), fate).ask({
        field: 'sessions',
      })
      expect([items.map(({ state, changed }) => [state, changed]), fields.size]).toEqual([
        [[fate, undefined]],
        0,
      ])
    }
  })

  it('ends when nobody waits for it', async () => {
    const { ask } = scannerOf(customerSessions, logOf([{}]))
    await expect(ask({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
  })
})
