import { beforeAll, describe, expect, it } from '@jest/globals'
import { streamOf, orders } from '@millrace/domain'
import type { EventStore } from '@millrace/mongo'
import { openCommandDesk, PLACE, type CommandDesk } from './command-desk.ts'

const versions = (...numbers: number[]) => ({ type: 'versions', versions: numbers }) as const
const stream = (id: string): string => streamOf(orders, id)

/** What a command comes to, whatever store is behind it. */
export const describeHandleWrite = (name: string, openStore: () => Promise<EventStore>): void => {
  describe(`handling a command on ${name}`, () => {
    let store: EventStore
    let desk: CommandDesk

    beforeAll(async () => {
      store = await openStore()
      desk = await openCommandDesk(store)
    })

    const versionOf = async (id: string): Promise<number> =>
      (await store.load({ tenant: 'demo', stream: stream(id) })).version

    it('accepts: the events are stored under the next versions and the relay is woken', async () => {
      const id = desk.newOrder()
      const before = desk.wakes()
      expect(await desk.send('place', id)).toEqual({
        type: 'accepted',
        replayed: false,
        body: {
          stream: stream(id),
          version: 1,
          events: [{ id: expect.any(String), type: 'OrderPlaced', version: 1 }],
          position: expect.any(String),
        },
      })
      expect(await desk.send('pay', id)).toMatchObject({ type: 'accepted', body: { version: 2 } })
      const loaded = await store.load({ tenant: 'demo', stream: stream(id) })
      expect(loaded.events.map(({ type, version }) => [type, version])).toEqual([
        ['OrderPlaced', 1],
        ['OrderPaid', 2],
      ])
      expect(desk.wakes()).toBe(before + 2)
    })

    it('rejects by name, and writes no event', async () => {
      const id = desk.newOrder()
      expect(await desk.send('pay', id)).toEqual({
        type: 'rejected',
        rejection: 'order-not-found',
        stream: stream(id),
        replayed: false,
      })
      expect(await versionOf(id)).toBe(0)
    })

    it('answers a no-op with no events and the position of the stream’s last commit', async () => {
      const id = desk.newOrder()
      await desk.send('place', id)
      const cancelled = await desk.send('cancel', id)
      const again = await desk.send('cancel', id)
      expect(again).toMatchObject({ type: 'accepted', replayed: false, body: { version: 2, events: [] } })
      expect(again.type === 'accepted' && again.body.position).toBe(
        cancelled.type === 'accepted' && cancelled.body.position,
      )
      expect(await versionOf(id)).toBe(2)
    })

    it.each(['place', 'pay', 'no-op'] as const)('gives the first answer again: %s', async (kind) => {
      const id = desk.newOrder()
      if (kind === 'no-op') {
        await desk.send('place', id)
        await desk.send('cancel', id)
      }
      const send = () => desk.send(kind === 'no-op' ? 'cancel' : kind, id, { idempotencyKey: `key-${id}` })
      const first = await send()
      const version = await versionOf(id)
      expect(await send()).toEqual({ ...first, replayed: true })
      expect(await versionOf(id)).toBe(version)
    })

    it('gives a "no" again even when the same command would be a yes by now', async () => {
      const id = desk.newOrder()
      const pay = () => desk.send('pay', id, { idempotencyKey: `key-${id}` })
      const no = await pay()
      await desk.send('place', id)
      expect(await pay()).toEqual({ ...no, replayed: true })
      expect(await versionOf(id)).toBe(1)
    })

    it('refuses another body under a used key, after a yes and after a no', async () => {
      const placed = desk.newOrder()
      await desk.send('place', placed, { idempotencyKey: `key-${placed}` })
      const otherBody = { ...PLACE, customerId: 'c-2' }
      const other = { idempotencyKey: `key-${placed}`, body: otherBody }
      expect(await desk.send('place', placed, other)).toEqual({ type: 'key-reused' })

      const unpaid = desk.newOrder()
      await desk.send('pay', unpaid, { idempotencyKey: `key-${unpaid}` })
      const another = { idempotencyKey: `key-${unpaid}`, body: { method: 'cash' } }
      expect(await desk.send('pay', unpaid, another)).toEqual({ type: 'key-reused' })
    })

    it('keeps keys apart by tenant and by principal', async () => {
      const id = desk.newOrder()
      const key = { idempotencyKey: `key-${id}` }
      await desk.send('place', id, key)
      expect(await desk.send('place', id, { ...key, tenant: 'other' })).toMatchObject({ type: 'accepted' })
      expect(await desk.send('place', id, { ...key, principal: 'eve' })).toMatchObject({ type: 'rejected' })
    })

    it('takes effect when If-Match names the version, and not when it names another', async () => {
      const id = desk.newOrder()
      expect(await desk.send('place', id, { precondition: { type: 'exists' } })).toEqual({
        type: 'precondition-failed',
        currentVersion: 0,
      })
      await desk.send('place', id)
      expect(await desk.send('pay', id, { precondition: versions(2, 3) })).toEqual({
        type: 'precondition-failed',
        currentVersion: 1,
      })
      expect(await desk.send('pay', id, { precondition: versions(1) })).toMatchObject({ type: 'accepted' })
      expect(await desk.send('ship', id, { precondition: { type: 'exists' } })).toMatchObject({
        type: 'accepted',
      })
    })

    it('a repetition after success finds its answer although its If-Match no longer holds', async () => {
      const id = desk.newOrder()
      await desk.send('place', id)
      const pay = () => desk.send('pay', id, { precondition: versions(1), idempotencyKey: `key-${id}` })
      const first = await pay()
      expect(await pay()).toEqual({ ...first, replayed: true })
    })

    it('a failed precondition does not use up the key', async () => {
      const id = desk.newOrder()
      const key = { idempotencyKey: `key-${id}` }
      await desk.send('place', id)
      expect(await desk.send('pay', id, { ...key, precondition: versions(7) })).toMatchObject({
        type: 'precondition-failed',
      })
      expect(await desk.send('pay', id, { ...key, precondition: versions(1) })).toMatchObject({
        type: 'accepted',
        replayed: false,
      })
    })

    it('one of many equal requests takes effect; meanwhile the others hear that it is still running', async () => {
      const id = desk.newOrder()
      const place = () => desk.send('place', id, { idempotencyKey: `key-${id}` })
      const [first, ...others] = await Promise.all(Array.from({ length: 8 }, place))
      expect(first).toMatchObject({ type: 'accepted', replayed: false })
      expect(others).toEqual(others.map(() => ({ type: 'still-running' })))
      expect(await place()).toEqual({ ...first, replayed: true })
    })

    it('another body under a key that is still running is refused at once', async () => {
      const id = desk.newOrder()
      const key = { idempotencyKey: `key-${id}` }
      const [first, second] = await Promise.all([
        desk.send('place', id, key),
        desk.send('place', id, { ...key, fingerprint: 'another' }),
      ])
      expect([first.type, second.type]).toEqual(['accepted', 'key-reused'])
    })

    it('one of many equal requests to two replicas takes effect; all have the same answer', async () => {
      const replica = await openCommandDesk(store)
      const ids = Array.from({ length: 8 }, () => desk.newOrder())
      const pairs = await Promise.all(
        ids.map((id) =>
          Promise.all([desk, replica].map(({ send }) => send('place', id, { idempotencyKey: `key-${id}` }))),
        ),
      )
      for (const pair of pairs) {
        expect(pair.map((outcome) => outcome.type === 'accepted' && outcome.replayed).toSorted()).toEqual([
          false,
          true,
        ])
        expect(
          new Set(pair.map((outcome) => outcome.type === 'accepted' && outcome.body.position)).size,
        ).toBe(1)
      }
    })

    it('what a replica remembers never makes a no: another one may have gone on', async () => {
      const replica = await openCommandDesk(store)
      const id = desk.newOrder()
      await desk.send('place', id)
      await replica.send('pay', id)
      // Here the order is still unpaid, which `ship` would be refused for.
      expect(await desk.send('ship', id)).toMatchObject({ type: 'accepted', body: { version: 3 } })
      // And there it is still paid only.
      expect(await replica.send('cancel', id)).toMatchObject({ rejection: 'order-already-shipped' })
      expect(await replica.send('deliver', id, { precondition: versions(3) })).toMatchObject({
        type: 'accepted',
      })
    })

    it('what a replica remembers may make a yes, on which the store has the last word', async () => {
      const replica = await openCommandDesk(store)
      const id = desk.newOrder()
      await desk.send('place', id)
      await replica.send('cancel', id)
      expect(await desk.send('pay', id)).toMatchObject({ rejection: 'order-cancelled' })
      expect(await versionOf(id)).toBe(2)
    })

    it('one of many racing commands wins; the others decide on what it left', async () => {
      const id = desk.newOrder()
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => desk.send('place', id)))
      const accepted = outcomes.filter(({ type }) => type === 'accepted')
      const rejected = outcomes.filter(
        (outcome) => outcome.type === 'rejected' && outcome.rejection === 'order-already-placed',
      )
      expect([accepted.length, rejected.length]).toEqual([1, 7])
      expect(await versionOf(id)).toBe(1)
    })

    it('orders a stream’s commits by its own order when the clock stands still', async () => {
      const id = desk.newOrder()
      const at = { tenant: 'demo', stream: stream(id) }
      await desk.send('place', id)
      const first = await store.load(at)
      await desk.send('pay', id)
      expect((await store.load(at)).order).toBe(first.order + 1)
    })
  })
}
