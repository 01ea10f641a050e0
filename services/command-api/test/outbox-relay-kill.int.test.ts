import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually, startMongoProxy, type HeldMessage, type MongoProxy } from '@millrace/testkit'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { LEASE_MS, OutboxDesk, POLL_MS, firstsOf, lastOf, waysBack, type Retention } from './outbox-desk.ts'
import { startOutboxProcess, type OutboxProcess } from './outbox-process.ts'

const KEYS = ['a', 'b', 'c', 'd']
const ROUNDS = 12
const VALUES_PER_ROUND = 10
/** It looks once, when it starts. */
const NEVER_AGAIN_MS = 600_000

const TAKE_LEASE = { name: 'findAndModify', collection: 'leases' }
const PURGE = { name: 'delete', collection: 'outbox' }
const LEAVE_LEASE = { name: 'update', collection: 'leases' }

let servers: TestServers
let proxy: MongoProxy
let desk: OutboxDesk
let processes: OutboxProcess[]

beforeAll(async () => {
  servers = await prepareServers({ name: 'outbox-kill' })
})
afterAll(() => servers.stop())
beforeEach(async () => {
  const { hostname, port } = new URL(servers.mongo)
  proxy = await startMongoProxy({ host: hostname, port: Number(port) })
})
afterEach(async () => {
  await Promise.all(processes.map((started) => started.kill()))
  await desk.close()
  await proxy.close()
})

const startProcess = (owner: string, { pollMs = POLL_MS, mongo = servers.mongo } = {}): OutboxProcess => {
  const { kafka, database } = servers
  const { topic } = desk
  const started = startOutboxProcess({ kafka, mongo, database, topic, owner, leaseMs: LEASE_MS, pollMs })
  processes.push(started)
  return started
}

/** One that a test can hold at a step, by holding what it says to MongoDB. */
const startHeldProcess = (owner: string): OutboxProcess =>
  startProcess(owner, { pollMs: NEVER_AGAIN_MS, mongo: `mongodb://${proxy.host}/?directConnection=true` })

const open = async (retention: Retention) => {
  processes = []
  desk = await OutboxDesk.open(servers, retention)
}

const retentions = ['compact', 'time'] as const

describe('an outbox relay that is frozen past its lease', () => {
  /** Stops it with rows in hand: it has read them and not sent them yet. */
  const freezeWithRows = async (retention: Retention): Promise<OutboxProcess & HeldMessage> => {
    const lease = proxy.hold('reply', TAKE_LEASE)
    const zombie = startHeldProcess('zombie')
    const { release } = await lease
    const rows = proxy.hold('reply', {
      name: retention === 'compact' ? 'aggregate' : 'find',
      collection: 'outbox',
    })
    release()
    const held = await rows
    zombie.freeze()
    return { ...zombie, ...held }
  }

  it.each(retentions)(
    'with an old value in hand, then awake, leaves a topic of retention %s as it should be',
    async (retention) => {
      await open(retention)
      await desk.add([desk.message('k', '1'), desk.message('j', '1')])
      const zombie = await freezeWithRows(retention)
      startProcess('heir')
      await desk.addValue('k', '2')
      await desk.saw('k', '2')
      await desk.isPurged()
      const before = (await desk.sawMessages(retention === 'compact' ? 2 : 3)).length
      // Fenced on a compacted topic; elsewhere it publishes late, and purges what is not there any more.
      const ended = proxy.hold('request', retention === 'compact' ? LEAVE_LEASE : PURGE)
      zombie.release()
      zombie.thaw()
      ;(await ended).release()
      await desk.addValue('j', '2')
      const seen = await desk.saw('j', '2')
      expect(seen.length).toBe(before + 1 + (retention === 'compact' ? 0 : 2))
      expect(waysBack(retention === 'compact' ? seen : firstsOf(seen))).toEqual([])
    },
  )

  it('between publish and purge, then awake, purges nothing newer', async () => {
    await open('compact')
    await desk.addValue('k', '1')
    const purge = proxy.hold('request', PURGE)
    const zombie = startHeldProcess('zombie')
    const { release } = await purge
    zombie.freeze()
    await desk.saw('k', '1')
    // While nobody else publishes.
    await desk.addValue('k', '2')
    const left = proxy.hold('request', LEAVE_LEASE)
    release()
    zombie.thaw()
    startProcess('heir')
    ;(await left).release()
    const seen = await desk.saw('k', '2')
    await desk.isPurged()
    expect(waysBack(seen)).toEqual([])
  })
})

describe('an outbox relay that is killed', () => {
  it.each(retentions)(
    'between publish and purge leaves repeats only, on a topic of retention %s',
    async (retention) => {
      await open(retention)
      await desk.add([desk.message('k', '1'), desk.message('j', '1')])
      const purge = proxy.hold('request', PURGE)
      const killed = startHeldProcess('killed')
      await purge
      await desk.sawMessages(2)
      await killed.kill()
      await desk.addValue('k', '2')
      desk.startRelay('heir')
      await desk.saw('k', '2')
      await desk.isPurged()
      const seen = await desk.sawMessages(retention === 'compact' ? 4 : 5)
      const firsts = firstsOf(seen).map(({ key, value }) => `${key}${value}`)
      expect(firsts.toSorted()).toEqual(['j1', 'k1', 'k2'])
      expect([lastOf(seen, 'k'), lastOf(seen, 'j')]).toEqual(['2', '1'])
      expect(waysBack(retention === 'compact' ? seen : firstsOf(seen))).toEqual([])
    },
  )

  it('again and again, at any moment, never takes a compacted topic back', async () => {
    await open('compact')
    const relays = [startProcess('a0'), startProcess('b0')]
    let writes = 0
    for (let round = 1; round <= ROUNDS; round += 1) {
      const before = desk.seen().length
      for (let at = 0; at < VALUES_PER_ROUND; at += 1)
        await desk.add(KEYS.map((key) => desk.message(key, String((writes += 1)))))
      await eventually(
        () => desk.seen().length,
        (count) => count > before,
        { timeoutMs: 30_000 },
      )
      const writing = desk.add(KEYS.map((key) => desk.message(key, String((writes += 1)))))
      await relays[round % 2]?.kill()
      relays[round % 2] = startProcess(`${round % 2}-${round}`)
      await writing
    }
    await desk.isPurged()
    const lastValues = KEYS.map((_, at) => String(writes - KEYS.length + 1 + at))
    const seen = await eventually(
      () => desk.seen(),
      (all) => KEYS.every((key, at) => lastOf(all, key) === lastValues[at]),
    )
    expect(waysBack(seen)).toEqual([])
    expect(processes.length).toBe(ROUNDS + 2)
  })
})
