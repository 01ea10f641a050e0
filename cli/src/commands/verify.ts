import { Command } from 'commander'
import { verify } from '../ops/verify.ts'
import { withOps, type OpsFlags } from '../ops/with-ops.ts'

export const verifyCommand = (): Command =>
  new Command('verify')
    .description('compare what readers get with the log: all projections, or one')
    .argument('[name]', 'the projection')
    .option('--url <url>', 'root of ops; default: the running development stack')
    .option('--json', 'print the result as JSON')
    .option('--full', 'all keys, not a sixteenth of them', false)
    .addHelpText('after', '\nExample:\n  $ npx millrace verify order-summary --full')
    .action((name: string | undefined, flags: OpsFlags & { full: boolean }) =>
      withOps(
        flags,
        (run) => verify(run, name, { full: flags.full }),
        'no longer watching; what has begun goes on: `millrace projections show <name>` has what it finds',
      ),
    )
