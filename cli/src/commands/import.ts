import { readFile } from 'node:fs/promises'
import { Command, InvalidArgumentError } from 'commander'
import { abortOnSignals } from '../abort-on-signals.ts'
import { loadConfig } from '../config.ts'
import { CommandError, EXIT } from '../exit-codes.ts'
import { connectCommandApi } from '../import/command-client.ts'
import { importOrders, type ImportReport } from '../import/import-orders.ts'
import { startBar } from '../progress-bar.ts'
import { findTarget } from '../target.ts'

const MAX_CONCURRENCY = 256

const parseConcurrency = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= MAX_CONCURRENCY) return value
  throw new InvalidArgumentError(`a whole number from 1 to ${MAX_CONCURRENCY}`)
}

const countRows = async (file: string): Promise<number> => {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CommandError(
      `cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      EXIT.usage,
    )
  })
  if (text.trim() === '') throw new CommandError(`${file} is empty: not even a header`, EXIT.usage)
  return Math.max(0, text.split('\n').filter((line) => line.trim() !== '').length - 1)
}

const dollars = (cents: number): string => (cents / 100).toLocaleString('en-US', { minimumFractionDigits: 2 })

const summary = (report: ImportReport, seconds: number): string => {
  const orders = report.imported + report.alreadyThere
  const parts = [
    `${report.imported} new`,
    `${report.alreadyThere} already there`,
    `${report.faults} rows with faults`,
  ]
  return `${orders} orders, ${dollars(report.cents)} USD: ${parts.join(', ')}, in ${seconds.toFixed(1)} s`
}

const importOrdersAction = async (
  file: string,
  flags: { url?: string; concurrency: number },
): Promise<void> => {
  const target = await findTarget('command-api', { url: flags.url, config: loadConfig() })
  const signal = abortOnSignals()
  const bar = startBar(await countRows(file), 'rows')
  const startedAt = performance.now()
  const seconds = (): number => (performance.now() - startedAt) / 1000
  const client = connectCommandApi({
    ...target,
    connections: flags.concurrency,
    signal,
    onTrouble: (message) => process.stderr.write(`${message}\n`),
  })
  let rows = 0
  try {
    const report = await importOrders({
      file,
      client,
      concurrency: flags.concurrency,
      onRow: () => bar.update(++rows),
      onFault: (line, reason) => process.stderr.write(`line ${line}: ${reason}\n`),
    })
    bar.stop()
    process.stdout.write(`${summary(report, seconds())}\n`)
    if (report.faults > 0) throw new CommandError(`${report.faults} rows were not imported`)
  } catch (error) {
    bar.stop()
    if (signal.aborted)
      throw new CommandError('stopped; importing the same file again goes on', EXIT.interrupted)
    throw error
  } finally {
    await client.close()
  }
}

export const importCommand = (): Command => {
  const orders = new Command('orders')
    .description('one order per row of a CSV file: customer_id, date, quantity, amount_usd')
    .argument('<file>', 'the CSV file')
    .option('--url <url>', 'root of command-api; default: the running development stack')
    .option('--concurrency <n>', 'orders under way at the same time', parseConcurrency, 32)
    .addHelpText(
      'after',
      '\nExample:\n  $ npx millrace import orders examples/cdnow/cdnow-orders.csv\n\nImporting a file again changes nothing.',
    )
    .action(importOrdersAction)
  return new Command('import').description('load data through the public HTTP API').addCommand(orders)
}
