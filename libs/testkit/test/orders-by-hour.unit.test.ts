import { describe, expect, it } from '@jest/globals'
import { givenEvents, orderPlaced, ordersByHour, recorded, recordedStream } from '@millrace/testkit'

const elevenPm = Date.UTC(2026, 0, 31, 23)
const midnight = Date.UTC(2026, 1, 1)
const placedAt = (occurredAt: number) => ({ ...orderPlaced(), occurredAt })

describe('orders-by-hour', () => {
  it('adds up what was placed in an hour', () => {
    const events = recordedStream([elevenPm, midnight - 1, midnight].map(placedAt))
    givenEvents(ordersByHour, events).thenDocuments({
      'demo/2026-01-31T23': { hour: '2026-01-31T23', orders: 2, ordered: { EUR: 2 * 2498 } },
      'demo/2026-02-01T00': { hour: '2026-02-01T00', orders: 1, ordered: { EUR: 2498 } },
    })
  })

  it('has windows that close at the end of their hour, and an hour of grace', () => {
    expect(ordersByHour.placesOf(recorded(placedAt(elevenPm)))).toEqual([
      { key: '2026-01-31T23', closesAt: midnight },
    ])
    expect(ordersByHour.graceMs).toBe(60 * 60_000)
  })
})
