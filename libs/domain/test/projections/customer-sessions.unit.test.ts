import { describe, expect, it } from '@jest/globals'
import { SESSION_GAP_MS, customerSessions } from '@millrace/domain'
import { deliver, emptyReadModel, givenEvents, orderPlaced, recordedStream } from '@millrace/testkit'

const NOON_MS = Date.UTC(2026, 0, 15, 12)
const MINUTE_MS = 60_000

const placedAt = (...times: number[]) =>
  recordedStream(times.map((occurredAt) => ({ ...orderPlaced(), occurredAt })))

const given = (...times: number[]) => givenEvents(customerSessions, placedAt(...times))
const session = (from: number, to: number, events: number) => ({ from, to, events })

describe('customer-sessions', () => {
  it('have events up to the gap behind the one before', () => {
    const last = NOON_MS + SESSION_GAP_MS
    given(NOON_MS, last).thenDocument({ customerId: 'c-1', sessions: [session(NOON_MS, last, 2)] })
  })

  it('end where the next event is beyond the gap', () => {
    const next = NOON_MS + SESSION_GAP_MS + 1
    given(NOON_MS, next).thenDocument({
      customerId: 'c-1',
      sessions: [session(NOON_MS, NOON_MS, 1), session(next, next, 1)],
    })
  })

  it('become one when an event comes late that lies between them', () => {
    const [middle, last] = [NOON_MS + 25 * MINUTE_MS, NOON_MS + 50 * MINUTE_MS]
    given(NOON_MS, last, middle).thenDocument({
      customerId: 'c-1',
      sessions: [session(NOON_MS, last, 3)],
    })
  })

  it('go on into the next month, though the months are kept apart', () => {
    const midnight = Date.UTC(2026, 1, 1)
    const [before, after] = [midnight - 10 * MINUTE_MS, midnight + 10 * MINUTE_MS]
    given(before, after).thenDocument({ customerId: 'c-1', sessions: [session(before, after, 2)] })
    const { partials } = deliver(customerSessions, emptyReadModel, placedAt(before, after))
    expect([...(partials.get('demo/c-1')?.keys() ?? [])]).toEqual(['2026-01', '2026-02'])
  })

  it('fill no more than 1,488 places in a month, however many events there are', () => {
    const steps = Array.from(
      { length: 31 * 24 * 6 },
      (_, index) => Date.UTC(2026, 0, 1) + index * 10 * MINUTE_MS,
    )
    const sparse = steps.filter((_, index) => index % 3 === 0).map((at, index) => at + index)
    const inMonth = sparse.filter((at) => at < Date.UTC(2026, 1, 1))
    const { partials } = deliver(customerSessions, emptyReadModel, placedAt(...inMonth))
    expect(partials.get('demo/c-1')?.get('2026-01')?.sessions).toHaveLength(1_488)
    const filled = deliver(customerSessions, emptyReadModel, placedAt(...inMonth, ...steps))
    expect(filled.documents.get('demo/c-1')?.sessions).toHaveLength(1)
  })
})
