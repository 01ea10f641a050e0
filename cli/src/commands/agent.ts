import { Command, InvalidArgumentError } from 'commander'
import { createLogger } from '@millrace/runtime'
import { runAgent } from '../agent/run-agent.ts'
import { loadConfig } from '../config.ts'
import { findTarget } from '../target.ts'
import { abortOnSignals } from '../abort-on-signals.ts'

const MIN_EVERY_MS = 100

const parseEvery = (text: string): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= MIN_EVERY_MS) return value
  throw new InvalidArgumentError(`a whole number of milliseconds from ${MIN_EVERY_MS}`)
}

export const agentCommand = (): Command =>
  new Command('agent')
    .description('post this machine’s process table as heartbeats (Linux)')
    .option('--url <url>', 'root of command-api; default: the running development stack')
    .option('--every <ms>', 'time between beats, in milliseconds', parseEvery, 2_000)
    .addHelpText(
      'after',
      '\nNames are mapped: any character but letters, digits . _ @ - becomes _ (kworker/0:1 is kworker_0_1).',
    )
    .action(async (flags: { url?: string; every: number }) => {
      const config = loadConfig()
      const target = await findTarget('command-api', { url: flags.url, config })
      await runAgent({
        ...target,
        everyMs: flags.every,
        logger: createLogger({ service: 'agent', level: config.LOG_LEVEL }),
        signal: abortOnSignals(),
      })
    })
