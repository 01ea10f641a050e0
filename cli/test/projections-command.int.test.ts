import { afterEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { runMillrace, type CommandResult } from '../../test/support/millrace-process.ts'
import {
  buildOf,
  progressOf,
  projectionOf,
  reportOf,
  startFakeOps,
  type Answers,
  type FakeOps,
} from './ops-fixture.ts'

const STATE = 'GET /projections/order-summary/state'
const started = (build = 'v1.1') => ({ status: 202, body: { name: 'order-summary', build } })
const problem = (status: number, detail: string) => ({ status, body: { detail } })
const state = (...builds: ReturnType<typeof buildOf>[]) => ({ body: projectionOf({ builds }) })
const served = buildOf('v1', 'served')
const next = (more: Parameters<typeof buildOf>[2] = {}) => buildOf('v1.1', 'next', more)

const different = reportOf({
  ...{ state: 'different', different: 1, unexpected: 1 },
  byField: [{ field: 'status', documents: 1, isExpected: false }],
})

let ops: FakeOps | undefined
afterEach(async () => {
  await ops?.close()
})

const run = async (answers: Answers, ...args: string[]): Promise<CommandResult> => {
  ops = await startFakeOps(answers)
  return runMillrace('/nowhere', [...args, '--url', ops.url])
}

const projections = (answers: Answers, ...args: string[]) => run(answers, 'projections', ...args)
const routes = (): string[] => ops?.asked.map(({ route }) => route) ?? []

describe('millrace projections', () => {
  it('list is a table, or JSON for scripts', async () => {
    const answers = { 'GET /projections': { body: { items: [projectionOf()] } } }
    const people = await projections(answers, 'list')
    expect([people.code, people.stdout]).toEqual([0, expect.stringMatching(/^NAME .*\norder-summary .*\n$/)])
    const script = await projections(answers, 'list', '--json')
    expect(JSON.parse(script.stdout)).toMatchObject([{ name: 'order-summary' }])
  })

  it('rebuild starts, follows, compares, and says what is next; progress is not in the results', async () => {
    const building = progressOf({ applied: 10, remaining: 90, isCaughtUp: false, etaSeconds: 2 })
    const result = await projections(
      {
        [STATE]: [
          state(served),
          state(served, next({ progress: building })),
          state(served, next()),
          state(served, next({ comparison: reportOf({ state: 'running' }) })),
          state(served, next({ comparison: reportOf() })),
        ],
        'POST /projections/order-summary/rebuild': started(),
        'POST /projections/order-summary/compare': started(),
      },
      ...['rebuild', 'order-summary', '--expect', 'total', '--expect', 'note', '--full'],
    )
    expect(result).toMatchObject({
      code: 0,
      stdout:
        'order-summary v1.1 equal to order-summary.v1: 10 documents compared; with the log 1/16 of the keys\n' +
        'nothing differs in total, which was declared\nnothing differs in note, which was declared\n' +
        'next: `millrace projections switch order-summary`\n',
    })
    expect(result.stderr).toMatch(/^order-summary v1.1: 10 of 100 records, 50\/s, 2 s left$/m)
    expect(ops?.asked.find(({ route }) => route.endsWith('/compare'))?.body).toEqual({
      ...{ expect: ['total', 'note'], expectAdded: false, expectRemoved: false, full: true },
    })
  })

  it('rebuild goes on with a build that is under way', async () => {
    const result = await projections(
      { [STATE]: state(served, next()) },
      ...['rebuild', 'order-summary', '--no-compare'],
    )
    expect([result.code, result.stdout]).toEqual([0, 'order-summary v1.1 has caught up: 100 records\n'])
    expect(result.stderr).toMatch(/is being built already: this goes on with it/)
    expect(routes()).not.toContain('POST /projections/order-summary/rebuild')
  })

  it('rebuild leaves the build running at Ctrl-C, and says so', async () => {
    const progress = progressOf({ isCaughtUp: false })
    const fake = await startFakeOps({ [STATE]: state(served, next({ progress })) })
    ops = fake
    const watching = eventually(
      () => fake.asked.length,
      (asked) => asked > 2,
    )
    const args = ['projections', 'rebuild', 'order-summary', '--url', fake.url]
    const result = await runMillrace('/nowhere', args, (interrupt) => void watching.then(interrupt))
    expect([result.code, result.stderr]).toEqual([130, expect.stringMatching(/what is under way goes on/)])
    expect(routes().every((route) => route === STATE)).toBe(true)
  })

  it('rebuild --detach does not wait', async () => {
    const answers = { [STATE]: state(served), 'POST /projections/order-summary/rebuild': started() }
    const result = await projections(answers, 'rebuild', 'order-summary', '--detach')
    expect([result.code, routes().length]).toEqual([0, 2])
  })

  it('rebuild ends where a partition has stopped, and where somebody drops the build', async () => {
    const partitions = [{ topic: 't', partition: 3, nextOffset: 7, endOffset: 9, stopped: 'a gap' }]
    const stopped = next({ progress: progressOf({ isCaughtUp: false, partitions }) })
    expect(await projections({ [STATE]: state(served, stopped) }, 'rebuild', 'order-summary')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/stopped at offset 7 of partition 3 of t: a gap/),
    })
    const dropped = [state(served, next()), state(served)]
    expect(await projections({ [STATE]: dropped }, 'rebuild', 'order-summary')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/somebody has dropped it/),
    })
  })

  it.each([
    [3, different],
    [0, reportOf({ state: 'expected', different: 1 })],
    [1, reportOf({ state: 'failed', error: 'the store was away' })],
    [1, reportOf({ state: 'different', unsettled: 1 })],
    [1, reportOf({ state: 'abandoned' })],
  ])('compare ends with %d: %j', async (code, comparison) => {
    const result = await projections(
      { [STATE]: state(served, next({ comparison })), 'POST /projections/order-summary/compare': started() },
      ...['compare', 'order-summary'],
    )
    expect([result.code, result.stderr]).toEqual([code, expect.any(String)])
  })

  it('switch and rollback name the build that they mean', async () => {
    const pointer = { body: { name: 'order-summary', served: 'v1.1', previous: 'v1' } }
    const answers = { [STATE]: state(served, next()), 'POST /projections/order-summary/switch': pointer }
    const result = await projections(answers, 'switch', 'order-summary')
    expect(result).toMatchObject({ code: 0, stdout: 'readers get order-summary v1.1; the way back is v1\n' })
    expect(ops?.asked.at(-1)?.body).toEqual({ build: 'v1.1' })
  })

  it('rollback to a build that is named asks for that one, however often', async () => {
    const pointer = { body: { name: 'order-summary', served: 'v1', previous: 'v1.1' } }
    const answers = { 'POST /projections/order-summary/rollback': pointer }
    const result = await projections(answers, 'rollback', 'order-summary', 'v1')
    expect(result).toMatchObject({ code: 0, stdout: 'readers get order-summary v1; the way back is v1.1\n' })
    expect(ops?.asked.map(({ body }) => body)).toEqual([{ build: 'v1' }])
  })

  it('says what the service says, with commands for routes', async () => {
    const detail = 'it was not compared yet: first POST /projections/order-summary/compare'
    const answers = { [STATE]: state(served), 'POST /projections/order-summary/switch': problem(409, detail) }
    expect(await projections(answers, 'switch', 'order-summary')).toMatchObject({
      ...{ code: 1, stdout: '' },
      stderr: 'millrace: it was not compared yet: first `millrace projections compare order-summary`\n',
    })
  })

  it.each([
    [404, 2, /there is no projection/],
    [403, 1, /ops answered 403: .*; set MILLRACE_TOKEN/],
    [503, 69, /ops answered 503/],
  ])('ends with the code that goes with %d: %d', async (status, code, text) => {
    const answers = { [STATE]: problem(status, 'there is no projection "x"') }
    const result = await projections(answers, 'show', 'order-summary')
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(text)])
  })

  it('ends with 69 where nobody listens', async () => {
    const result = await runMillrace('/nowhere', ['projections', 'list', '--url', 'http://127.0.0.1:1'])
    expect([result.code, result.stderr]).toEqual([69, expect.stringMatching(/does not answer .*npm start/)])
  })

  it('reset waits until readers get it', async () => {
    const verifying = next({
      isToBeServed: true,
      verification: reportOf({ state: 'running', against: 'log' }),
    })
    const equal = reportOf({ against: 'log', logShare: 'all' })
    const answers = {
      [STATE]: [
        state(served),
        state(served, verifying),
        state(buildOf('v1.1', 'served', { verification: equal })),
      ],
      'POST /projections/order-summary/reset': started(),
    }
    expect(await projections(answers, 'reset', 'order-summary')).toMatchObject({
      code: 0,
      stdout: 'readers get order-summary v1.1, which is equal to the log: 10 documents compared; all keys\n',
    })
  })

  it('reset ends with 3 when the new build is not what the log says', async () => {
    const answers = {
      [STATE]: state(served, next({ isToBeServed: true, verification: { ...different, against: 'log' } })),
    }
    const result = await projections(answers, 'reset', 'order-summary')
    expect([result.code, result.stdout]).toEqual([
      3,
      expect.stringMatching(/DIFFERS from the log: 1 document/),
    ])
  })
})

describe('millrace verify', () => {
  const telemetry = projectionOf({ name: 'processes', isVerifiable: false })
  const verifying = (verification: ReturnType<typeof reportOf>): Answers => ({
    'GET /projections': { body: { items: [projectionOf(), telemetry] } },
    [STATE]: state(buildOf('v1', 'served', { verification })),
    'POST /projections/order-summary/verify': started('v1'),
  })

  it('is of all, and says which cannot be verified', async () => {
    const result = await run(verifying(reportOf({ against: 'log' })), 'verify')
    expect([result.code, result.stdout]).toEqual([
      0,
      'order-summary v1 equal to the log: 10 documents compared; 1/16 of the keys\n' +
        'processes: cannot be verified: the event store does not keep its topic\n',
    ])
  })

  it('ends with 3 when a read model is not what the log says', async () => {
    const result = await run(verifying({ ...different, against: 'log' }), 'verify', 'order-summary', '--json')
    expect([result.code, JSON.parse(result.stdout)]).toMatchObject([3, [{ report: { unexpected: 1 } }]])
    expect(result.stderr).toMatch(/not what the log says: order-summary/)
  })

  it('ends with 1 when one could not be begun, and goes on with the others', async () => {
    const answers = {
      ...verifying(reportOf()),
      'POST /projections/order-summary/verify': problem(409, 'a verification is under way'),
    }
    const result = await run(answers, 'verify')
    expect(result).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/is under way\nprocesses: cannot/),
    })
  })
})
