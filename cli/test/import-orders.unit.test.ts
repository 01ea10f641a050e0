import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { CommandAnswer, CommandClient, CommandToSend } from '../src/import/command-client.ts'
import { importOrders, type ImportReport } from '../src/import/import-orders.ts'

const HEADER = 'customer_id,date,quantity,amount_usd'

/** Remembers keys as command-api does. */
const fakeClient = (refuse: (command: CommandToSend) => CommandAnswer | undefined = () => undefined) => {
  const sent: CommandToSend[] = []
  const keys = new Set<string>()
  const client: CommandClient = {
    send: async (command) => {
      sent.push(command)
      const refused = refuse(command)
      if (refused) return refused
      const replayed = keys.has(command.idempotencyKey)
      keys.add(command.idempotencyKey)
      return { type: 'accepted', replayed }
    },
    close: async () => undefined,
  }
  return { client, sent }
}

describe('importing orders', () => {
  let directory: string

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-import-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  type Imported = { report: ImportReport; faults: string[]; rows: number }

  const run = async (lines: readonly string[], client: CommandClient, concurrency = 4): Promise<Imported> => {
    const file = join(directory, 'orders.csv')
    await writeFile(file, `${lines.join('\n')}\n`)
    const faults: string[] = []
    let rows = 0
    const report = await importOrders({
      file,
      client,
      concurrency,
      onRow: () => (rows += 1),
      onFault: (line, reason) => faults.push(`${line}: ${reason}`),
    })
    return { report, faults: faults.toSorted(), rows }
  }

  const many = (count: number): string[] => [
    HEADER,
    ...Array.from(
      { length: count },
      (_, index) => `${index % 7},1997-01-0${(index % 3) + 1},1,0.0${index % 10}`,
    ),
  ]

  it('places and pays each row’s order, on its day, to the cent', async () => {
    const { client, sent } = fakeClient()
    const { report } = await run([HEADER, '42,1997-01-31,2,11.77'], client)
    expect(report).toEqual({ imported: 1, alreadyThere: 0, faults: 0, cents: 1177 })
    const occurredAt = '1997-01-31T00:00:00.000Z'
    expect(sent).toEqual([
      {
        path: '/orders/cdnow-42-1997-01-31-1/place',
        idempotencyKey: 'import:cdnow-42-1997-01-31-1:place',
        body: {
          customerId: '42',
          currency: 'USD',
          lines: [{ productId: 'cdnow-cd', quantity: 2, amount: 1177 }],
          occurredAt,
        },
      },
      {
        path: '/orders/cdnow-42-1997-01-31-1/pay',
        idempotencyKey: 'import:cdnow-42-1997-01-31-1:pay',
        body: { method: 'card', occurredAt },
      },
    ])
  })

  it('tells faults with their lines and goes on with the others', async () => {
    const { client } = fakeClient()
    const lines = [
      HEADER,
      '1,1997-01-01,1,1.00',
      '2,1997-13-01,1,1.00',
      '',
      '3,1997-01-01',
      '4,1997-01-01,1,2.00',
    ]
    const { report, faults, rows } = await run(lines, client)
    expect(report).toEqual({ imported: 2, alreadyThere: 0, faults: 2, cents: 300 })
    expect(faults).toEqual([expect.stringMatching(/^3: .*date/), expect.stringMatching(/^5: .*quantity/)])
    expect(rows).toBe(4)
  })

  it('a quote inside a field is a fault of its row only', async () => {
    const { client } = fakeClient()
    const { report, faults } = await run([HEADER, '1"2,1997-01-01,1,1.00', '3,1997-01-01,1,2.00'], client)
    expect(report).toMatchObject({ imported: 1, faults: 1, cents: 200 })
    expect(faults).toEqual([expect.stringMatching(/^2: /)])
  })

  it('reads a byte order mark, Windows line ends, spaces and columns in another order', async () => {
    const { client } = fakeClient()
    const lines = ['\uFEFFdate,customer_id,amount_usd,quantity,note\r', ' 1997-01-01 ,1, 1.50,1,hello\r']
    expect((await run(lines, client)).report).toMatchObject({ imported: 1, cents: 150, faults: 0 })
  })

  it('tells what the service refuses, does not pay what was not placed, and does not count its money', async () => {
    const refusal: CommandAnswer = { type: 'refused', status: 422, reason: 'no' }
    const { client, sent } = fakeClient(({ path }) => (path.includes('cdnow-2-') ? refusal : undefined))
    const { report, faults } = await run([HEADER, '1,1997-01-01,1,1.00', '2,1997-01-01,1,5.00'], client)
    expect(report).toEqual({ imported: 1, alreadyThere: 0, faults: 1, cents: 100 })
    expect(faults).toEqual([expect.stringMatching(/^3: .*place was answered 422: no/)])
    expect(sent.filter(({ path }) => path.includes('cdnow-2-'))).toHaveLength(1)
  })

  it('a second run finds all of it already there', async () => {
    const { client } = fakeClient()
    const first = await run(many(500), client, 32)
    const second = await run(many(500), client, 5)
    expect(first.report).toMatchObject({ imported: 500, alreadyThere: 0 })
    expect(second.report).toEqual({ ...first.report, imported: 0, alreadyThere: 500 })
  })

  it('an import that broke off goes on: what is half there is completed', async () => {
    let left = 7
    const { client } = fakeClient(() => {
      left -= 1
      if (left < 0) throw new Error('stopped')
      return undefined
    })
    await expect(run(many(20), client, 1)).rejects.toThrow('stopped')
    left = Number.POSITIVE_INFINITY
    // Seven commands are three orders and the first half of a fourth.
    expect((await run(many(20), client)).report).toMatchObject({ imported: 17, alreadyThere: 3 })
  })

  it('gives the same ids whatever is under way at the same time', async () => {
    const placed = async (concurrency: number): Promise<unknown> => {
      const { client, sent } = fakeClient()
      await run(many(300), client, concurrency)
      return Object.fromEntries(sent.map(({ path, body }) => [path, body]))
    }
    expect(await placed(64)).toEqual(await placed(1))
  })

  it('refuses a file without the columns', async () => {
    const { client } = fakeClient()
    await expect(run(['customer,date', '1,1997-01-01'], client)).rejects.toMatchObject({
      message: expect.stringMatching(/^line 1: .*customer_id/),
      exitCode: 2,
    })
  })
})
