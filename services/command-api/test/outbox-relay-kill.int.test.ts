import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { inheritedEnv } from '../../../test/support/config.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { LEASE_MS, OutboxDesk, POLL_MS, firstsOf, lastOf, waysBack, type Retention } from './outbox-desk.ts'
import { PURGES, type OutboxProcessOptions } from './outbox-process.ts'

const KEYS = ['a', 'b', 'c', 'd']
const ROUNDS = 12
const VALUES_PER_ROUND = 10

let servers: TestServers
let desk: OutboxDesk
let processes: RelayProcess[]

beforeAll(async () => {
  servers = await prepareServers({ name: 'outbox-kill' })
})
afterAll(() => servers.stop())
afterEach(async () => {
  await Promise.all(processes.map((started) => started.kill()))
  await desk.close()
})

/** `purges` tells how often it has published and come to the purge. */
type RelayProcess = { purges(): number; kill(): Promise<void> }

const startProcess = (owner: string, { holdPurge = false } = {}): RelayProcess => {
  const options: OutboxProcessOptions = {
    kafka: servers.kafka,
    mongo: servers.mongo,
    database: servers.database,
    topic: desk.topic,
    owner,
    leaseMs: LEASE_MS,
    pollMs: POLL_MS,
    holdPurge,
  }
  const script = fileURLToPath(new URL('./outbox-process.ts', import.meta.url))
  const args = [
    '--conditions=source',
    '--disable-warning=ExperimentalWarning',
    script,
    JSON.stringify(options),
  ]
  const { NODE_OPTIONS: _, ...env } = inheritedEnv()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const exited = once(child, 'exit')
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const started = {
    purges: () => said.split(PURGES).length - 1,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
  processes.push(started)
  return started
}

const open = async (retention: Retention) => {
  processes = []
  desk = await OutboxDesk.open(servers, retention)
}

describe('an outbox relay that is killed', () => {
  it.each(['compact', 'time'] as const)(
    'between publish and purge leaves repeats only, on a topic of retention %s',
    async (retention) => {
      await open(retention)
      await desk.add([desk.message('k', '1'), desk.message('j', '1')])
      const killed = startProcess('killed', { holdPurge: true })
      await eventually(killed.purges, (purges) => purges === 1)
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
