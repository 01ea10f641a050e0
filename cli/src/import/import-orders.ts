import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'
import { CommandError, EXIT } from '../exit-codes.ts'
import type { CommandClient } from './command-client.ts'
import { COLUMNS, makeOrderIds, parseRow, type Purchase } from './purchase.ts'

export type ImportReport = { imported: number; alreadyThere: number; faults: number; cents: number }

export type ImportOptions = {
  readonly file: string
  readonly client: CommandClient
  /** Orders under way at the same time. */
  readonly concurrency: number
  readonly onRow: () => void
  readonly onFault: (line: number, reason: string) => void
}

type Row = {
  readonly record: Record<string, string>
  /** `error`: the row has not as many columns as the header. */
  readonly info: { readonly lines: number; readonly error?: unknown }
}

/** `info.lines` is the line a row ends on; rows of a purchase file have one line each. */
async function* readRows(file: string): AsyncGenerator<Row, void> {
  const parser = createReadStream(file).pipe(
    parse({
      columns: checkHeader,
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      relax_quotes: true,
    }),
  )
  for await (const row of parser as AsyncIterable<Row>) yield row
}

const checkHeader = (header: string[]): string[] => {
  if (COLUMNS.every((name) => header.includes(name))) return header
  throw new CommandError(
    `line 1: the columns must be ${COLUMNS.join(', ')}; found ${header.join(', ')}`,
    EXIT.usage,
  )
}

const commandsFor = (orderId: string, { customerId, date, quantity, amount }: Purchase) => {
  const occurredAt = `${date}T00:00:00.000Z`
  const lines = [{ productId: 'cdnow-cd', quantity, amount }]
  const bodies = {
    place: { customerId, currency: 'USD', lines, occurredAt },
    pay: { method: 'card', occurredAt },
  }
  return Object.entries(bodies).map(([command, body]) => ({
    path: `/orders/${orderId}/${command}`,
    idempotencyKey: `import:${orderId}:${command}`,
    body,
  }))
}

/** One purchase = one order, placed and paid on its day. A row that cannot be an order is told and passed over. */
export const importOrders = async (options: ImportOptions): Promise<ImportReport> => {
  const report: ImportReport = { imported: 0, alreadyThere: 0, faults: 0, cents: 0 }
  const nextId = makeOrderIds()
  const rows = readRows(options.file)

  const fault = (line: number, reason: string): void => {
    report.faults += 1
    options.onFault(line, reason)
  }

  const importOne = async (line: number, orderId: string, purchase: Purchase): Promise<void> => {
    let isNew = false
    for (const command of commandsFor(orderId, purchase)) {
      const answer = await options.client.send(command)
      if (answer.type === 'refused')
        return fault(line, `${command.path} was answered ${answer.status}: ${answer.reason}`)
      isNew ||= !answer.replayed
    }
    report.cents += purchase.amount
    if (isNew) report.imported += 1
    else report.alreadyThere += 1
  }

  const takeRow = async (): Promise<boolean> => {
    const next: IteratorResult<Row, void> = await rows.next()
    if (next.done === true) return false
    const row = next.value
    const parsed = parseRow(row.record)
    if (parsed.type === 'fault') fault(row.info.lines, parsed.reason)
    else if (row.info.error) fault(row.info.lines, 'the row has more columns than the header')
    // The id is taken before anything is awaited, so ids follow the order of the file.
    else await importOne(row.info.lines, nextId(parsed.purchase), parsed.purchase)
    options.onRow()
    return true
  }

  const work = async (): Promise<void> => {
    while (await takeRow()) continue
  }
  await Promise.all(Array.from({ length: options.concurrency }, work))
  return report
}
