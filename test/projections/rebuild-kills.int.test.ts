import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { productMetrics } from '@millrace/domain'
import { buildName } from '@millrace/mongo'
import { pause } from '@millrace/runtime'
import { eventually, type MongoProxy } from '@millrace/testkit'
import { groupOf } from '../../services/projector/src/run-projection.ts'
import { startMember, type Member } from '../../services/projector/test/projector-group.ts'
import { rebuildAndSwitch, verify } from '../faults/projections/operator.ts'
import { httpClient, type HttpClient } from '../support/http-client.ts'
import { startOwnServer, type OwnServer } from '../support/own-server.ts'
import { putOutOfGroup } from '../support/put-out-of-group.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { prepareServers, type TestServers } from '../support/test-servers.ts'

const { name: NAME, version: SERVED } = productMetrics
const PRODUCTS = 100
const PRICES = 400
const TOTAL = PRODUCTS * (PRICES + 1)
const TOGETHER = 20
const PROCESSES = 2
const PATIENT = { timeoutMs: 90_000 }
/** A build would be over before anybody could kill it. */
const COMMIT_TAKES_MS = 40

type Lane = { readonly lastSequence: number }

// One story in order, with real processes: a long log, and a read model of it that is built anew.
describe('a build', () => {
  let ownKafka: OwnServer
  let servers: TestServers
  let commandApi: ServiceProcess
  let ops: ServiceProcess
  let shop: HttpClient
  let operations: HttpClient
  let projectors: Member[] = []
  const ended = new AbortController()

  beforeAll(async () => {
    ownKafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'rebuild-kills', kafka: ownKafka.url })
    ;[commandApi, ops] = await Promise.all([
      startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' }),
      startServiceProcess('ops', servers, { CHECK_EVERY_MS: '0' }),
    ])
    shop = httpClient(commandApi.url)
    operations = httpClient(ops.url)
    await ofEachProduct(addProduct)
    await startProjectors(1)
    await untilApplied(SERVED, TOTAL)
    await stopProjectors()
  })
  afterAll(async () => {
    ended.abort()
    await stopProjectors()
    await Promise.all([shop.close(), operations.close()])
    await Promise.all([commandApi.stop(), ops.stop()])
    await servers.stop()
    await ownKafka.stop()
  })

  const command = async (path: string, body: unknown, headers = {}): Promise<void> => {
    const answer = await shop.send({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
      body: JSON.stringify(body),
    })
    expect([answer.status, answer.text]).toEqual([200, answer.text])
  }

  const reprice = (product: string, times: number): Promise<void> => {
    const prices = Array.from({ length: times }, (_, amount) => ({
      type: 'ProductRepriced',
      data: { price: { amount, currency: 'EUR' } },
    }))
    return command(`/streams/catalog.product-${product}/events`, prices, { 'expected-version': 'any' })
  }

  const addProduct = async (product: string): Promise<void> => {
    const price = { amount: 1, currency: 'EUR' }
    await command(`/products/${product}/add`, { name: product, category: 'books', price })
    await reprice(product, PRICES)
  }

  /** A few at a time: each is 400 events. */
  const ofEachProduct = async (work: (product: string) => Promise<void>): Promise<void> => {
    const products = Array.from({ length: PRODUCTS }, (_, index) => `p-${index}`)
    while (products.length > 0) await Promise.all(products.splice(0, TOGETHER).map(work))
  }

  const startProjectors = async (count: number): Promise<void> => {
    const start = () => startMember(servers, { PROJECTIONS: NAME })
    projectors = await Promise.all(Array.from({ length: count }, start))
  }

  const closeAll = async (members: readonly Member[]): Promise<void> => {
    await Promise.all(members.flatMap(({ mongo, registry }) => [mongo.close(), registry.close()]))
  }

  const stopProjectors = async (): Promise<void> => {
    const members = projectors.splice(0)
    await Promise.all(members.map((member) => member.stop()))
    await closeAll(members)
  }

  const applied = async (build: string): Promise<number> => {
    const lanes = (await servers.mongoConnection.db
      .collection('checkpoints')
      .find({ '_id.projection': `${NAME}.${build}` })
      .toArray()) as unknown as Lane[]
    return lanes.reduce((sum, { lastSequence }) => sum + lastSequence, 0)
  }

  const untilApplied = (build: string, atLeast: number): Promise<number> =>
    eventually(
      () => applied(build),
      (count) => count >= atLeast,
      PATIENT,
    )

  const slowDown = async ({ mongo }: { mongo: MongoProxy }): Promise<void> => {
    while (!ended.signal.aborted) {
      const held = await mongo.hold('request', { name: 'commitTransaction' }, ended.signal)
      await pause(COMMIT_TAKES_MS)
      held.release()
    }
  }

  /** All commits of a process wait for us; gives the first one that is asked for once it is time, and it gets nowhere. */
  const stopInCommit = async ({ mongo }: Member, isTime: () => Promise<boolean>): Promise<void> => {
    const hold = () => mongo.hold('request', { name: 'commitTransaction' }, ended.signal)
    for (let next = hold(); ;) {
      const held = await next
      next = hold()
      if (await isTime()) return
      held.release()
    }
  }

  /** Events that the present processes have brought into that build. */
  const broughtIn = async (build: string): Promise<number> => {
    const counts = await Promise.all(
      projectors.map(async ({ admin }) => {
        const text = await (await fetch(new URL('/metrics', admin))).text()
        const metric = `^millrace_projection_events_total\\{[^}]*projection="${NAME}.${build}"[^}]*\\} (\\d+)$`
        const found = [...text.matchAll(new RegExp(metric, 'gm'))]
        return found.reduce((sum, match) => sum + Number(match[1]), 0)
      }),
    )
    return counts.reduce((sum, count) => sum + count, 0)
  }

  it('whose projectors are killed twice goes on where its checkpoints are, and ends as if nothing had been', async () => {
    const answer = await operations.send({ method: 'POST', path: `/projections/${NAME}/rebuild` })
    expect([answer.status, answer.text]).toEqual([202, answer.text])
    const { build } = answer.json() as { build: string }
    let before = 0
    for (let kills = 0; kills < 2; kills++) {
      await startProjectors(PROCESSES)
      const hasMoved = async () => (await applied(build)) > before
      // In the middle of a batch, whose transaction stays open.
      await Promise.race(projectors.map((projector) => stopInCommit(projector, hasMoved)))
      const killed = projectors.splice(0)
      await Promise.all(killed.map((projector) => projector.kill()))
      await closeAll(killed)
      await Promise.all(
        [SERVED, build].map((one) => putOutOfGroup(ownKafka.url, groupOf(buildName(NAME, one)))),
      )
      const now = await applied(build)
      expect(now).toBeGreaterThan(before)
      expect(now).toBeLessThan(TOTAL)
      before = now
    }
    await startProjectors(PROCESSES)
    await untilApplied(build, TOTAL)
    // What a checkpoint has passed is not looked at again; what was read again is the batch that each lane had in hand.
    expect(
      await eventually(
        () => broughtIn(build),
        (count) => count >= TOTAL - before,
        PATIENT,
      ),
    ).toBe(TOTAL - before)
    expect(await projectors[0]?.metric('millrace_projection_duplicates_total')).toBe(0)
    const { name, compared } = await rebuildAndSwitch(operations, NAME)
    expect([name, compared]).toEqual([`${NAME}.${build}`, expect.any(Number)])
    expect(await verify(operations, NAME)).toMatchObject({
      state: 'equal',
      compared: PRODUCTS,
      events: TOTAL,
    })
  })

  it('waits for the build that readers get, when both have a backlog', async () => {
    await stopProjectors()
    await ofEachProduct((product) => reprice(product, PRICES))
    const answer = await operations.send({ method: 'POST', path: `/projections/${NAME}/rebuild` })
    const { build } = answer.json() as { build: string }
    const goal = TOTAL + PRODUCTS * PRICES
    await startProjectors(1)
    for (const projector of projectors) void slowDown(projector)
    await untilApplied('v1.1', goal)
    // Taking turns it would have come as far as the served one, which had half of the log behind it.
    expect(await applied(build)).toBeLessThan(goal - TOTAL)
    await untilApplied(build, goal)
  })

  it('leaves what readers get as fresh as it is without it', async () => {
    await stopProjectors()
    await startProjectors(1)
    await untilApplied('v1.1', TOTAL + PRODUCTS * PRICES)
    const probe = async (): Promise<number> => {
      const goal = (await applied('v1.1')) + 1
      await reprice('p-0', 1)
      const answeredAt = performance.now()
      await eventually(
        () => applied('v1.1'),
        (count) => count >= goal,
        { ...PATIENT, everyMs: 2 },
      )
      return performance.now() - answeredAt
    }
    const probes = async (isOver: () => Promise<boolean>): Promise<number[]> => {
      const found: number[] = []
      while (found.length < 20 || !(await isOver())) found.push(await probe())
      return found.toSorted((a, b) => a - b)
    }
    const alone = await probes(async () => true)
    const { builds } = (await operations.send({ path: `/projections/${NAME}/state` })).json() as {
      builds: { name: string; role: string }[]
    }
    const next = builds.find(({ role }) => role === 'next')?.name ?? ''
    const body = JSON.stringify({ build: next })
    const headers = { 'content-type': 'application/json' }
    await operations.send({ method: 'POST', path: `/projections/${NAME}/drop`, headers, body })
    const answer = await operations.send({ method: 'POST', path: `/projections/${NAME}/rebuild` })
    const { build } = answer.json() as { build: string }
    await untilApplied(build, 1)
    const total = await applied('v1.1')
    const beside = await probes(async () => (await applied(build)) >= total)
    const median = (list: readonly number[]): number => list[list.length >> 1] ?? 0
    expect(median(beside)).toBeLessThan(median(alone) + 1_000)
  })
})
