import { Command } from 'commander'
import { createLogger } from '@millrace/runtime'
import { runAgent } from '../agent/run-agent.ts'
import { loadConfig } from '../config.ts'
import { findTarget } from '../target.ts'
import { abortOnSignals } from '../abort-on-signals.ts'

export const agentCommand = (): Command =>
  new Command('agent')
    .description('post this machine’s process table as heartbeats (Linux)')
    .option('--url <url>', 'root of command-api; default: the running development stack')
    .option('--every <ms>', 'time between beats, in milliseconds', '2000')
    .addHelpText(
      'after',
      '\nNames are mapped: any character but letters, digits . _ @ - becomes _ (kworker/0:1 is kworker_0_1).',
    )
    .action(async (flags: { url?: string; every: string }) => {
      const config = loadConfig()
      const target = await findTarget('command-api', { url: flags.url, home: config.MILLRACE_HOME })
      await runAgent({
        ...target,
        everyMs: Number(flags.every),
        logger: createLogger({ service: 'agent', level: config.LOG_LEVEL }),
        signal: abortOnSignals(),
      })
    })
