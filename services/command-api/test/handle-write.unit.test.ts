import { describe, expect, it } from '@jest/globals'
import { streamOf, orders, type AnyContext } from '@millrace/domain'
import type { EventStore } from '@millrace/mongo'
import { NOW_MS, openCommandDesk, PLACE } from './command-desk.ts'
import { makeGate } from './gate.ts'
import { describeHandleWrite } from './handle-write-contract.ts'
import { memoryEventStore } from './memory-event-store.ts'

describeHandleWrite('a store in memory', async () => memoryEventStore())

/** Somebody else's commit takes the version just before ours, `times` times. */
const contested = (times: number): EventStore => {
  const store = memoryEventStore()
  let left = times
  return {
    ...store,
    append: async (commit) => {
      if (left > 0) {
        left -= 1
        const key = `rival-${left}`
        await store.append({ ...commit, _id: key, idempotency: { ...commit.idempotency, key } })
      }
      return store.append(commit)
    },
  }
}

/** `place` is accepted whatever happened, so only the versions decide who wins; `huge` adds events at will. */
const anythingGoes = (events: () => readonly unknown[]): Partial<{ context: AnyContext }> => ({
  context: {
    ...(orders as unknown as AnyContext),
    decider: {
      initialState: null,
      decide: () => ({ type: 'accepted', events: events() as never }),
      evolve: () => null,
    },
  },
})

const placed = (quantity = 1) => ({
  type: 'OrderPlaced',
  data: { ...PLACE, lines: [{ productId: 'p-1', quantity, amount: 5 }] },
})

describe('version conflicts', () => {
  it.each([1, 12])('are decided again after %d lost races', async (races) => {
    const desk = await openCommandDesk(contested(races))
    const outcome = await desk.send(
      'place',
      desk.newOrder(),
      anythingGoes(() => [placed()]),
    )
    expect(outcome).toMatchObject({ type: 'accepted', body: { version: races + 1 } })
  })

  it('end as a conflict after 13 lost races, with the version that won', async () => {
    const desk = await openCommandDesk(contested(13))
    const outcome = await desk.send(
      'place',
      desk.newOrder(),
      anythingGoes(() => [placed()]),
    )
    expect(outcome).toEqual({ type: 'conflict', currentVersion: 13 })
  })
})

describe('a majority read after a failover, older than what others were told', () => {
  /** Reads find nothing, `times` times. */
  const lagging = (times: number): EventStore => {
    const store = memoryEventStore()
    let left = times
    return {
      ...store,
      load: (tail) => {
        left -= 1
        return store.load(left < 0 ? tail : { ...tail, stream: 'nobody' })
      },
    }
  }

  it('is not what a failed precondition rests on', async () => {
    const store = lagging(2)
    const desk = await openCommandDesk(store)
    const replica = await openCommandDesk(store)
    const id = desk.newOrder()
    await replica.send('place', id)
    const paid = await desk.send('pay', id, { precondition: { type: 'versions', versions: [1] } })
    expect(paid).toMatchObject({ type: 'accepted', body: { version: 2 } })
  })
})

describe('two tenants with the same ids, keys and requests', () => {
  /** The store keeps those waiting that are appended for this tenant. */
  const slowFor = (tenant: string) => {
    const gate = makeGate()
    gate.shut()
    const store = memoryEventStore()
    const append: EventStore['append'] = async (commit, inline) => {
      if (commit.tenant === tenant) await gate.pass()
      return store.append(commit, inline)
    }
    return { gate, store: { ...store, append } }
  }

  it('neither wait for each other nor are taken for each other', async () => {
    const { gate, store } = slowFor('acme')
    const desk = await openCommandDesk(store)
    const id = desk.newOrder()
    const same = { idempotencyKey: 'key', fingerprint: 'f' }
    const first = desk.send('place', id, { ...same, tenant: 'acme' })
    await gate.reached()
    // The same request of the same tenant is still running; that of another one is another.
    expect(await desk.send('place', id, { ...same, tenant: 'acme' })).toEqual({ type: 'still-running' })
    const other = await desk.send('place', id, { ...same, tenant: 'other' })
    expect(other).toMatchObject({ type: 'accepted', replayed: false, body: { version: 1 } })
    gate.open()
    expect(await first).toMatchObject({ type: 'accepted', replayed: false, body: { version: 1 } })
  })

  it('decide each on its own state, cached or not', async () => {
    const desk = await openCommandDesk(memoryEventStore())
    const id = desk.newOrder()
    await desk.send('place', id, { tenant: 'acme' })
    expect(await desk.send('pay', id, { tenant: 'other' })).toMatchObject({ type: 'rejected' })
    expect(await desk.send('pay', id, { tenant: 'acme' })).toMatchObject({ type: 'accepted' })
  })
})

describe('what is written', () => {
  it('has the time of the command, and now when it names none', async () => {
    const store = memoryEventStore()
    const desk = await openCommandDesk(store)
    const id = desk.newOrder()
    await desk.send('place', id, { occurredAt: 86_400_000 })
    await desk.send('pay', id)
    const { events } = await store.load({ tenant: 'demo', stream: streamOf(orders, id) })
    expect(events.map(({ occurredAt }) => occurredAt)).toEqual([86_400_000, NOW_MS])
  })

  it('is refused when its records could be too large for Kafka, together or alone', async () => {
    const lines = (count: number) =>
      Array.from({ length: count }, () => ({ productId: 'p'.repeat(128), quantity: 1, amount: 1 }))
    const event = (count: number) => ({ type: 'OrderPlaced', data: { ...PLACE, lines: lines(count) } })
    const store = memoryEventStore()
    const desk = await openCommandDesk(store)
    const send = (events: readonly unknown[]) =>
      desk.send(
        'place',
        desk.newOrder(),
        anythingGoes(() => events),
      )

    expect(await send([event(7_100)])).toEqual({ type: 'events-too-large', bytes: expect.any(Number) })
    expect(await send([event(3_600), event(3_600)])).toMatchObject({ type: 'events-too-large' })
    expect(await send([event(3_000), event(3_000)])).toMatchObject({ type: 'accepted' })
  })
})
