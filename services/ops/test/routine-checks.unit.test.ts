import { describe, expect, it } from '@jest/globals'
import { processes } from '@millrace/domain'
import type { BuildRegistry, BuildReport, Builds } from '@millrace/mongo'
import { createMetrics, silentLogger, type Logger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import type { CheckOrder } from '../src/build-check.ts'
import { checkMetrics, checkRoutinely } from '../src/routine-checks.ts'
import { buildOf, buildsOf, code, NAME, reportOf } from './ops-fixture.ts'

type Given = {
  readonly all?: () => Promise<Builds[]>
  readonly check?: (order: CheckOrder) => Promise<BuildReport | undefined>
  readonly everyMs?: number
}

const DRIFT = reportOf({
  ...{ kind: 'check', against: 'log', state: 'different', different: 2, unexpected: 2, build: `${NAME}.v1` },
  samples: [
    {
      ...{
        key: 'demo/o-1',
        field: 'status',
        against: 'log',
        value: 'paid',
        other: 'placed',
        isExpected: false,
      },
      event: { id: 'e-1', type: 'OrderPlaced', sequence: 7 },
    },
  ],
})

const checking = ({ all = async () => [buildsOf()], check = async () => reportOf(), everyMs = 1 }: Given) => {
  const [orders, errors, warnings]: [CheckOrder[], object[], string[]] = [[], [], []]
  const metrics = createMetrics('test')
  const ended = new AbortController()
  const logger: Logger = {
    ...silentLogger,
    error: (fields: object) => void errors.push(fields),
    warn: (_: object, message: string) => void warnings.push(message),
  }
  const done = checkRoutinely({
    registry: { all } as BuildRegistry,
    ...{ code, everyMs, logger, metrics: checkMetrics(metrics), signal: ended.signal },
    check: async (order) => {
      orders.push(order)
      return check(order)
    },
  })
  const rounds = (count: number) =>
    eventually(
      () => orders.length,
      (length) => length >= count,
    )
  const end = async () => {
    ended.abort()
    await done
    return { orders, errors, warnings, metrics: await metrics.registry.metrics() }
  }
  return { rounds, end, done, warnings, orders }
}

describe('the routine check', () => {
  it('is of what readers get, one bucket after the other', async () => {
    const check = checking({})
    await check.rounds(3)
    const { orders } = await check.end()
    const buckets = orders.map(({ keys }) => (keys === 'all' ? -1 : keys.bucket))
    expect(orders[0]).toMatchObject({ projection: NAME, build: { name: 'v1' }, against: null, kind: 'check' })
    expect(buckets.slice(1, 3)).toEqual([(buckets[0] ?? 0) + 1, (buckets[0] ?? 0) + 2])
  })

  it('logs what has drifted with document, field and event, and counts it', async () => {
    const check = checking({ check: async () => DRIFT })
    await check.rounds(1)
    const { errors, metrics } = await check.end()
    expect(errors[0]).toMatchObject({
      ...{ projection: NAME, documents: 2, key: 'demo/o-1', field: 'status' },
      event: { type: 'OrderPlaced', sequence: 7 },
    })
    expect(metrics).toMatch(/millrace_projection_checks_total\{.*result="different".*\} [1-9]/)
    expect(metrics).toMatch(/millrace_projection_drifted_documents\{.*\} 2/)
  })

  it('takes a projector that is late for no drift', async () => {
    const check = checking({ check: async () => reportOf({ state: 'different', unsettled: 3 }) })
    await check.rounds(1)
    const { errors, metrics } = await check.end()
    expect(errors).toEqual([])
    expect(metrics).toMatch(/result="unsettled"/)
  })

  it('that fails does not say that a drift is gone', async () => {
    const reports = [DRIFT, reportOf({ state: 'failed', error: 'the store is away' })]
    const check = checking({ check: async () => reports.shift() ?? reportOf({ state: 'failed' }) })
    await check.rounds(3)
    expect((await check.end()).metrics).toMatch(/millrace_projection_drifted_documents\{.*\} 2/)
  })

  it('passes over what is paused, what the store does not keep, and what another ops checks', async () => {
    const telemetry = buildsOf({ projection: processes.name })
    const unknown = buildsOf({ projection: 'gone' })
    const other = buildsOf({ builds: [buildOf('v1', { version: 'v9' })] })
    const check = checking({
      all: async () => [buildsOf({ isPaused: true }), telemetry, unknown, other, buildsOf()],
      check: async () => undefined,
    })
    await check.rounds(2)
    const { orders, errors, metrics } = await check.end()
    expect(new Set(orders.map(({ projection }) => projection))).toEqual(new Set([NAME]))
    expect([errors, /checks_total\{/.test(metrics)]).toEqual([[], false])
  })

  it('goes on after the store was away', async () => {
    let isAway = true
    const check = checking({
      all: async () => {
        if (isAway) throw new Error('the store is away')
        return [buildsOf()]
      },
    })
    await eventually(
      () => check.warnings.length,
      (length) => length > 0,
    )
    isAway = false
    await check.rounds(1)
    await check.end()
  })

  it('is none with 0', async () => {
    const check = checking({ everyMs: 0 })
    await check.done
    expect(check.orders).toEqual([])
  })
})
