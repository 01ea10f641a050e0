import { spawn, type ChildProcess } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectCodec, toMessageKey, topics, writerIdsOf } from '@millrace/events'
import { connectKafka, partitionFor, readPartition } from '@millrace/kafka'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { mapName } from '../../cli/src/agent/heartbeats.ts'
import { importUnderKills, settledTotals, totalsOfFile } from '../faults/import-under-kills.ts'
import { query, sendCommand } from '../support/api.ts'
import {
  runMillrace,
  startMillrace,
  type MillraceProcess,
  type RunFile,
} from '../support/millrace-process.ts'
import { descendantsOf, stillRunning } from '../support/process-tree.ts'

const PURCHASES = fileURLToPath(new URL('../../examples/cdnow/cdnow-orders.csv', import.meta.url))
const ORDER = { customerId: 'c-1', currency: 'EUR', lines: [{ productId: 'p-1', quantity: 2, amount: 1998 }] }

const gone = async (pids: readonly number[]): Promise<void> => {
  await eventually(
    () => stillRunning(pids),
    (left) => left.length === 0,
    { timeoutMs: 30_000 },
  )
}

const schemaIds = async (run: RunFile): Promise<Record<string, unknown>> => {
  const subjects = (await (await fetch(`${run.urls.registry}/subjects`)).json()) as string[]
  const entries = subjects.map(async (subject) => {
    const latest = (await (
      await fetch(`${run.urls.registry}/subjects/${subject}/versions/latest`)
    ).json()) as { id: number }
    return [subject, latest.id] as const
  })
  return Object.fromEntries(await Promise.all(entries))
}

type Doomed = { readonly child: ChildProcess; readonly pid: number; readonly key: string }

/** A process of this machine under a name that no other has. */
const startDoomed = async (home: string): Promise<Doomed> => {
  const name = 'doomed-process'
  await copyFile('/bin/sleep', join(home, name))
  const child = spawn(join(home, name), ['600'], { stdio: 'ignore' })
  const pid = Number(child.pid)
  return { child, pid, key: `${mapName(hostname())}:${name}:${pid}` }
}

const statusOf = ({ doc }: Record<string, unknown>): unknown =>
  (doc as { status?: unknown } | undefined)?.status

/** What `processes.changed` says of a process, in its order. */
const statusesTold = async (run: RunFile, key: string): Promise<unknown[]> => {
  const topic = topics['processes.changed']
  const codec = await connectCodec({ registryUrl: run.urls.registry, writes: [] })
  const kafka = connectKafka({ brokers: [run.urls.kafka], clientId: 'e2e', logger: silentLogger })
  const partition = partitionFor(toMessageKey({ tenant: 'demo', key }), topic.partitions)
  const statuses: unknown[] = []
  for await (const records of readPartition(kafka, { topic: topic.name, partition })) {
    const values = records.map(({ value }) => value)
    await codec.ensureWriters(writerIdsOf(codec, values))
    for (const value of values) {
      const event = value && codec.decode(topic.name, value)
      if (event?.type !== 'DocumentChanged' || event.data.key !== key) continue
      statuses.push((JSON.parse(event.data.after ?? 'null') as { status?: unknown } | null)?.status)
    }
  }
  return statuses
}

// One story told in order: each test goes on where the one before stopped, as a user's day would.
describe('millrace start', () => {
  let home: string
  let millrace: MillraceProcess
  let run: RunFile
  let ids: Record<string, unknown>
  let doomed: Doomed

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'millrace-e2e-'))
    millrace = await startMillrace(home)
    run = await millrace.run()
  })

  afterAll(async () => {
    doomed?.child.kill('SIGKILL')
    if (millrace.child.exitCode === null && millrace.child.signalCode === null) await millrace.interrupt()
    await rm(home, { recursive: true, force: true })
  })

  it('says in run.json where everything is', () => {
    expect(run).toEqual({
      pid: expect.any(Number),
      token: expect.any(String),
      urls: {
        kafka: expect.any(String),
        mongo: expect.stringContaining('replicaSet'),
        registry: expect.any(String),
      },
      services: expect.objectContaining({
        'command-api': { url: expect.any(String), admin: expect.any(String), pid: expect.any(Number) },
        'query-api': { url: expect.any(String), admin: expect.any(String), pid: expect.any(Number) },
        ops: { url: expect.any(String), admin: expect.any(String), pid: expect.any(Number) },
        projector: { url: null, admin: expect.any(String), pid: expect.any(Number) },
      }),
    })
  })

  it('carries a command to a read model that can be waited for', async () => {
    const placed = await sendCommand(run, '/orders/o-17/place', 'key-1', ORDER)
    expect(placed).toMatchObject({ status: 200, body: { stream: 'orders.order-o-17', version: 1 } })
    const found = await query(
      run,
      `/read-models/order-summary/o-17?after=${String(placed.body['position'])}&timeout=20000`,
    )
    expect(found).toMatchObject({
      status: 200,
      body: { orderId: 'o-17', status: 'placed', total: { amount: 1998, currency: 'EUR' }, version: 1 },
    })
  })

  it('shows the processes of this machine', async () => {
    const isThere = ({ body }: { body: Record<string, unknown> }): boolean =>
      (body['items'] as unknown[]).length > 0
    const answer = await eventually(
      () => query(run, '/read-models/processes?sort=-lastSeenAt&limit=5'),
      isThere,
    )
    expect((answer.body['items'] as unknown[])[0]).toMatchObject({
      host: expect.any(String),
      beat: expect.any(Number),
    })
  })

  it('sees a process begin, and that it is killed', async () => {
    doomed = await startDoomed(home)
    const key = encodeURIComponent(doomed.key)
    await eventually(
      () => query(run, `/snap/${key}`),
      ({ body }) => statusOf(body) === 'alive',
      { timeoutMs: 30_000, everyMs: 200 },
    )
    doomed.child.kill('SIGKILL')
  })

  it('imports every purchase once although its services are killed meanwhile', async () => {
    const file = join(home, 'purchases.csv')
    await writeFile(file, (await readFile(PURCHASES, 'utf8')).split('\n').slice(0, 2_001).join('\n'))
    const expected = await totalsOfFile(file)
    expect(await importUnderKills({ home, file, kills: 2 })).toMatchObject({ code: 0 })
    expect(await settledTotals(home, expected)).toEqual(expected)
    const again = await runMillrace(home, ['import', 'orders', file])
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('0 new, 2000 already there') })
    expect(await settledTotals(home, expected)).toEqual(expected)
  })

  it('has ready services that describe themselves', async () => {
    for (const name of ['command-api', 'query-api', 'ops']) {
      const { url, admin } = run.services[name] ?? {}
      const ready = await fetch(`${admin}/readyz`)
      const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object }
      expect([name, ready.status, Object.keys(paths).length > 0]).toEqual([name, 200, true])
    }
  })

  it('rebuilds a read model, compares it, switches to it and back, and drops it', async () => {
    const millrace = async (...args: string[]) => {
      const { code, stdout, stderr } = await runMillrace(home, args)
      expect([args, code, stderr]).toEqual([args, 0, stderr])
      return stdout
    }
    const rebuilt = await millrace('projections', 'rebuild', 'order-summary', '--full')
    expect(rebuilt).toMatch(/^order-summary v1.1 equal to order-summary.v1: .*; with the log all keys$/m)
    expect(await millrace('projections', 'switch', 'order-summary')).toMatch(/readers get order-summary v1.1/)
    expect(await query(run, '/read-models/order-summary/o-17')).toMatchObject({ status: 200 })
    expect(await millrace('projections', 'rollback', 'order-summary')).toMatch(
      /readers get order-summary v1;/,
    )
    await millrace('projections', 'drop', 'order-summary', 'v1.1')
    const verified = await millrace('verify')
    expect(verified).toMatch(/^order-summary v1 equal to the log/m)
    expect(verified).toMatch(/^processes: cannot be verified/m)
    const list = JSON.parse(await millrace('projections', 'list', '--json')) as { name: string }[]
    expect(list.map(({ name }) => name)).toContain('customer-dashboard')
  })

  it('goes on past a row that cannot be an order, and says so with its line', async () => {
    const file = join(home, 'faulty.csv')
    await writeFile(
      file,
      'customer_id,date,quantity,amount_usd\nx1,1997-01-01,1,1.00\nx2,1997-13-01,1,1.00\nx3,1997-01-02,1,2.00\n',
    )
    const result = await runMillrace(home, ['import', 'orders', file])
    expect(result).toMatchObject({ code: 1, stderr: expect.stringContaining('line 3: date must be a day') })
    expect(result.stdout).toContain('2 orders, 3.00 USD: 2 new')
  })

  it('tells of the killed process that it is stale, and then that it is gone', async () => {
    const { key, pid } = doomed
    const answer = await eventually(
      () => query(run, `/snap/${encodeURIComponent(key)}`),
      ({ body }) => statusOf(body) === 'gone',
      { timeoutMs: 120_000, everyMs: 500 },
    )
    expect(answer.body).toMatchObject({ _key: key, doc: { pid, status: 'gone' }, _v: expect.any(Number) })
    expect((await query(run, `/read-models/processes/${encodeURIComponent(key)}`)).body).toMatchObject({
      pid,
      status: 'gone',
    })
    const told = await eventually(
      () => statusesTold(run, key),
      (statuses) => statuses.at(-1) === 'gone',
      { timeoutMs: 30_000, everyMs: 500 },
    )
    // A value may be passed over for a newer one of its key: that it had started, when much else goes on.
    const steps = told.filter((status, index) => status !== 'started' && status !== told[index - 1])
    expect(steps).toEqual(['alive', 'stale', 'gone'])
  })

  it('leaves no process behind after Ctrl-C', async () => {
    run = await millrace.run()
    ids = await schemaIds(run)
    const pids = await descendantsOf(millrace.child.pid ?? 0)
    expect(pids.length).toBeGreaterThan(7)
    await millrace.interrupt()
    await gone(pids)
  })

  it('finds its data again after a restart, schema ids included', async () => {
    millrace = await startMillrace(home)
    run = await millrace.run()
    expect(await query(run, '/read-models/order-summary/o-17')).toMatchObject({
      status: 200,
      body: { version: 1 },
    })
    expect(await schemaIds(run)).toEqual(ids)
    const paid = await sendCommand(run, '/orders/o-17/pay', 'key-2', { method: 'card' })
    expect(paid).toMatchObject({ status: 200, body: { version: 2 } })
    const found = await query(
      run,
      `/read-models/order-summary/o-17?after=${String(paid.body['position'])}&timeout=20000`,
    )
    expect(found).toMatchObject({ status: 200, body: { status: 'paid', version: 2 } })
  })

  it('leaves no process behind when it is killed', async () => {
    const pids = await descendantsOf(millrace.child.pid ?? 0)
    process.kill((await millrace.run()).pid, 'SIGKILL')
    await gone(pids)
  })
})
