import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals'
import { startAdminServer, type Health } from '../src/admin-server.ts'
import type { Listening } from '../src/http/listen.ts'
import { createMetrics } from '../src/metrics.ts'

const WELL: Health = { live: () => true, ready: { mongo: () => Promise.resolve(), kafka: () => undefined } }
const metrics = createMetrics('test')
let health = WELL
let admin: Listening
beforeAll(async () => {
  admin = await startAdminServer({ host: '127.0.0.1', port: 0, metrics, health: () => health })
})
beforeEach(() => {
  health = WELL
})
afterAll(() => admin.close())

const ask = async (path: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${admin.url}${path}`)
  return { status: response.status, body: await response.json() }
}

it('is live while the loop makes progress, whatever is missing', async () => {
  health = { ...WELL, ready: { mongo: () => Promise.reject(new Error('down')) } }
  expect(await ask('/livez')).toEqual({ status: 200, body: { live: true } })
  health = { ...WELL, live: () => false }
  expect(await ask('/livez')).toEqual({ status: 503, body: { live: false } })
})

it('is ready when all dependencies answer', async () => {
  expect(await ask('/readyz')).toEqual({
    status: 200,
    body: { ready: true, checks: { mongo: 'ok', kafka: 'ok' } },
  })
})

it('says which dependency is missing and why', async () => {
  const down = (): never => {
    throw new Error('no broker')
  }
  health = { ...WELL, ready: { mongo: () => Promise.resolve(), kafka: down } }
  expect(await ask('/readyz')).toEqual({
    status: 503,
    body: { ready: false, checks: { mongo: 'ok', kafka: 'no broker' } },
  })
})

it('is ready without what it can do without, and says that it is missing', async () => {
  const down = (): never => {
    throw new Error('no broker')
  }
  health = { ...WELL, ready: { mongo: () => Promise.resolve() }, optional: { kafka: down } }
  expect(await ask('/readyz')).toEqual({
    status: 200,
    body: { ready: true, checks: { mongo: 'ok', kafka: 'no broker' } },
  })
})

it('does not wait for a dependency that hangs', async () => {
  health = { ...WELL, ready: { ...WELL.ready, registry: () => Promise.withResolvers<void>().promise } }
  expect(await ask('/readyz')).toEqual({
    status: 503,
    body: { ready: false, checks: { mongo: 'ok', kafka: 'ok', registry: 'no answer within 2000 ms' } },
  })
})

it.each([
  ['of what it does not have', 'GET', '/nothing', 404],
  ['of a method that it does not have', 'POST', '/livez', 404],
  ['of a health that cannot be told', 'GET', '/livez', 500],
])('%s tells by a problem document', async (_, method, path, status) => {
  health = {
    ...WELL,
    live: () => {
      throw new Error('no clock')
    },
  }
  const response = await fetch(`${admin.url}${path}`, { method })
  expect([response.status, response.headers.get('content-type')]).toEqual([
    status,
    'application/problem+json',
  ])
  const detail = status === 500 ? 'no clock' : expect.stringContaining('/readyz')
  const instance = `urn:request:${response.headers.get('x-request-id')}`
  expect(await response.json()).toMatchObject({ status, detail, instance })
})

it('tells the metrics, each with its service', async () => {
  metrics.counter('handled_total', 'Handled', ['kind']).inc({ kind: 'a' })
  metrics.gauge('age_seconds', 'Age', [], (gauge) => gauge.set(7))
  const response = await fetch(`${admin.url}/metrics`)
  const text = await response.text()
  expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
  expect(text).toContain('handled_total{kind="a",service="test"} 1')
  expect(text).toContain('age_seconds{service="test"} 7')
  expect(text).toContain('process_cpu_seconds_total')
})
