// The import while its services die: command-api and projector are killed with SIGKILL again and again, the
// supervisor starts them, and in the end the read model has every row of the file, once, to the cent.

import { readFile } from 'node:fs/promises'
import { eventually } from '@millrace/testkit'
import { allItems } from '../support/api.ts'
import { readRunFile, runMillrace, type CommandResult, type RunFile } from '../support/millrace-process.ts'

export type ImportRun = {
  readonly home: string
  readonly file: string
  /** SIGKILLs for each of the two services, spread over the import. */
  readonly kills: number
}

export type ImportTotals = { readonly orders: number; readonly cents: number }

const VICTIMS = ['command-api', 'projector'] as const
const READ_MODEL_TIMEOUT_MS = 120_000

/** What the file says, read without any code of the importer. */
export const totalsOfFile = async (file: string): Promise<ImportTotals> => {
  const rows = (await readFile(file, 'utf8')).trim().split('\n').slice(1)
  const cents = rows.map((row) => Math.round(Number(row.split(',')[3]) * 100))
  return { orders: rows.length, cents: cents.reduce((sum, amount) => sum + amount, 0) }
}

export const totalsOfReadModel = async (run: RunFile): Promise<ImportTotals> => {
  let orders = 0
  let cents = 0
  for await (const item of allItems(run, 'order-summary')) {
    if (!String(item['orderId']).startsWith('cdnow-') || item['status'] !== 'paid') continue
    orders += 1
    cents += (item['total'] as { amount: number }).amount
  }
  return { orders, cents }
}

const countOrders = async (run: RunFile): Promise<number> => {
  let count = 0
  for await (const _ of allItems(run, 'order-summary')) count += 1
  return count
}

const isBack = async (home: string, name: string, former: number): Promise<boolean> => {
  const service = (await readRunFile(home)).services[name]
  if (!service?.admin || service.pid === former) return false
  return fetch(new URL('/readyz', service.admin)).then(
    ({ ok }) => ok,
    () => false,
  )
}

const killOnce = async (home: string, name: string): Promise<void> => {
  const pid = (await readRunFile(home)).services[name]?.pid
  if (!pid) throw new Error(`${name} has no pid`)
  process.kill(pid, 'SIGKILL')
  await eventually(() => isBack(home, name, pid), Boolean, { timeoutMs: 60_000 })
}

/** Kills one service `kills` times, each time after the read model has grown by a share of the file. */
const killWhileGrowing = async ({ home, kills, file }: ImportRun, name: string): Promise<void> => {
  const { orders } = await totalsOfFile(file)
  const run = await readRunFile(home)
  const before = await countOrders(run)
  for (let kill = 0; kill < kills; kill++) {
    const enough = before + (orders * kill) / (kills + 1)
    await eventually(
      () => countOrders(run).catch(() => 0),
      (count) => count >= enough,
      { timeoutMs: 600_000, everyMs: 250 },
    )
    await killOnce(home, name)
  }
}

export const importUnderKills = async (work: ImportRun): Promise<CommandResult> => {
  const [result] = await Promise.all([
    runMillrace(work.home, ['import', 'orders', work.file]),
    ...VICTIMS.map((name) => killWhileGrowing(work, name)),
  ])
  return result
}

/** Waits until the read model has what the file has; gives what it has in the end, right or wrong. */
export const settledTotals = async (home: string, expected: ImportTotals): Promise<ImportTotals> => {
  const run = await readRunFile(home)
  let last: ImportTotals = { orders: 0, cents: 0 }
  await eventually(
    async () => (last = await totalsOfReadModel(run)),
    ({ orders, cents }) => orders === expected.orders && cents === expected.cents,
    { timeoutMs: READ_MODEL_TIMEOUT_MS, everyMs: 500 },
  ).catch(() => undefined)
  return last
}
