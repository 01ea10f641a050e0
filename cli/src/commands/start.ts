import { Command } from 'commander'
import { messageOf } from '@millrace/runtime'
import { loadStartConfig } from '../config.ts'
import { onParentGone } from '../exit-with-parent.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { start, type Started } from '../start/start.ts'

const THINGS_TO_LOOK_AT = ({ run, identity }: Started): string[] => [
  `  command-api  ${run.services['command-api']?.url ?? ''}`,
  `  query-api    ${run.services['query-api']?.url ?? ''}/read-models`,
  `  ops          ${run.services['ops']?.url ?? ''}/projections`,
  `  Kafka ${run.urls.kafka}   MongoDB ${run.urls.mongo}`,
  `  schema registry ${run.urls.registry}`,
  ...identityLines(identity),
]

const identityLines = ({ type, token }: Started['identity']): string[] => [
  ...(type === 'provider' ? ['  callers need a token of your identity provider (docs/security.md)'] : []),
  ...(token === undefined
    ? ['  no heartbeats of this machine: they need such a token in MILLRACE_TOKEN (docs/cli.md)']
    : []),
]

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const secondsSince = (startedAt: number): string => ((performance.now() - startedAt) / 1000).toFixed(1)

/** Fires on Ctrl-C, SIGTERM and the end of whatever runs us; a second signal ends everything at once. */
const stopSignal = (exit: (code: number) => void): AbortSignal => {
  const controller = new AbortController()
  const onSignal = (): void => {
    if (controller.signal.aborted) exit(EXIT.interrupted)
    say('stopping')
    controller.abort()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  process.on('SIGHUP', onSignal)
  onParentGone(() => controller.abort())
  return controller.signal
}

export const startCommand = (exit: (code: number) => void): Command =>
  new Command('start')
    .description('run Kafka, MongoDB, the schema registry and all services on this machine, until Ctrl-C')
    .option('--ephemeral', 'keep no data', false)
    .option('--no-agent', 'do not feed this machine’s process table as heartbeats')
    .addHelpText('after', '\nExample:\n  $ npm start -- --ephemeral')
    .action(async (flags: { ephemeral: boolean; agent: boolean }) => {
      const startedAt = performance.now()
      const signal = stopSignal(exit)
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      try {
        const config = loadStartConfig()
        const agent = flags.agent && process.platform === 'linux'
        const started = await start({ config, ephemeral: flags.ephemeral, agent, say, signal })
        say(`ready in ${secondsSince(startedAt)} s`)
        for (const line of THINGS_TO_LOOK_AT(started)) say(line)
        await aborted
        await started.stop()
        say('stopped')
        exit(EXIT.ok)
      } catch (error) {
        if (signal.aborted) exit(EXIT.interrupted)
        process.stderr.write(`millrace start: ${messageOf(error)}\n`)
        exit(exitCodeOf(error))
      }
    })
