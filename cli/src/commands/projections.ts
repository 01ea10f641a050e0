import { Command } from 'commander'
import { assertSame, compareBuild, comparedLines, type CompareFlags } from '../ops/compare-build.ts'
import { projectionLines, projectionTable } from '../ops/describe-projection.ts'
import { buildIn, pausedSchema, pointerSchema, startedSchema } from '../ops/ops-views.ts'
import { rebuild, type RebuildFlags } from '../ops/rebuild.ts'
import { reset } from '../ops/reset.ts'
import { withOps, type OpsFlags, type OpsRun } from '../ops/with-ops.ts'

const command = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--url <url>', 'root of ops; default: the running development stack')
    .option('--json', 'print the result as JSON')

const named = (name: string, description: string): Command =>
  command(name, description).argument('<name>', 'the projection: `millrace projections list` has them')

const collect = (field: string, before: readonly string[]): string[] => [...before, field]

const comparing = (one: Command): Command =>
  one
    .option('--expect <field>', 'may differ, and all below it; may be given again', collect, [])
    .option('--expect-added', 'the new build may have documents that the served one lacks', false)
    .option('--expect-removed', 'it may lack documents that the served one has', false)
    .option('--full', 'compare all keys with the log, not a sixteenth of them', false)

const listCommand = (): Command =>
  command('list', 'all projections: what readers get, what is being built, what the last check found').action(
    (flags: OpsFlags) =>
      withOps(flags, async ({ client, print }) => {
        const projections = await client.list()
        print(projectionTable(projections), projections)
      }),
  )

const showCommand = (): Command =>
  named('show', 'one projection: its builds, their partitions, what their checks have found').action(
    (name: string, flags: OpsFlags) =>
      withOps(flags, async ({ client, print }) => {
        const projection = await client.state(name)
        print(projectionLines(projection), projection)
      }),
  )

const rebuildCommand = (): Command =>
  comparing(named('rebuild', 'build it anew beside what readers get, then compare the two'))
    .option('--detach', 'do not wait for it', false)
    .option('--no-compare', 'do not compare it when it has caught up')
    .action((name: string, flags: OpsFlags & RebuildFlags) =>
      withOps(
        flags,
        (run) => rebuild(run, name, flags),
        `no longer watching; what is under way goes on: \`millrace projections rebuild ${name}\` watches it again`,
      ),
    )

const compareCommand = (): Command =>
  comparing(named('compare', 'compare what was built with what readers get, and with the log')).action(
    (name: string, flags: OpsFlags & CompareFlags) =>
      withOps(
        flags,
        async (run) => {
          const compared = await compareBuild(run, name, flags)
          run.print(comparedLines(name, compared), { name, ...compared })
          assertSame(`${name} ${compared.build}`, compared.report)
        },
        `no longer watching; the comparison goes on: \`millrace projections show ${name}\` has what it finds`,
      ),
  )

/** To the build that the state names: whoever is quicker makes it a conflict, not a switch to another one. */
const movePointer = async (
  { client, print }: OpsRun,
  name: string,
  { action, to }: { action: 'switch' | 'rollback'; to?: string | undefined },
): Promise<void> => {
  const role = action === 'switch' ? 'next' : 'previous'
  const build = to ?? buildIn(await client.state(name), role)?.name
  const body = build === undefined ? {} : { build }
  const pointer = await client.act(name, action, { body, schema: pointerSchema })
  print([`readers get ${name} ${pointer.served}; the way back is ${pointer.previous ?? 'none'}`], pointer)
}

const switchCommand = (): Command =>
  named('switch', 'let readers have what was built, once it was compared').action(
    (name: string, flags: OpsFlags) => withOps(flags, (run) => movePointer(run, name, { action: 'switch' })),
  )

const rollbackCommand = (): Command =>
  named('rollback', 'let readers have what they had before the last switch')
    .argument('[build]', 'the build that is meant: given again, it leads to no other one')
    .action((name: string, to: string | undefined, flags: OpsFlags) =>
      withOps(flags, (run) => movePointer(run, name, { action: 'rollback', to })),
    )

const dropCommand = (): Command =>
  named('drop', 'delete a build that readers do not get; there is no way back to it')
    .argument('<build>', 'for example v1')
    .action((name: string, build: string, flags: OpsFlags) =>
      withOps(flags, async ({ client, print }) => {
        const dropped = await client.act(name, 'drop', { body: { build }, schema: startedSchema })
        print([`${name} ${dropped.build} is dropped`], dropped)
      }),
    )

const pausing = (action: 'pause' | 'resume', description: string): Command =>
  named(action, description).action((name: string, flags: OpsFlags) =>
    withOps(flags, async ({ client, print }) => {
      const paused = await client.act(name, action, { schema: pausedSchema })
      print([`${name} is ${paused.isPaused ? 'paused: nothing new gets into it' : 'fed again'}`], paused)
    }),
  )

const resetCommand = (): Command =>
  named('reset', 'build it anew, and let readers have it as soon as it is found to be what the log says')
    .option('--in-place', 'let readers have it at once, while it grows; in development only', false)
    .action((name: string, flags: OpsFlags & { inPlace: boolean }) =>
      withOps(
        flags,
        (run) => reset(run, name, flags),
        `no longer watching; the reset goes on: \`millrace projections reset ${name}\` watches it again`,
      ),
    )

export const projectionsCommand = (): Command => {
  const group = new Command('projections').description('rebuild, compare and switch read models')
  const subcommands = [
    listCommand(),
    showCommand(),
    rebuildCommand(),
    compareCommand(),
    switchCommand(),
    rollbackCommand(),
    dropCommand(),
    pausing('pause', 'feed none of its builds'),
    pausing('resume', 'go on feeding its builds'),
    resetCommand(),
  ]
  for (const subcommand of subcommands) group.addCommand(subcommand)
  return group.addHelpText(
    'after',
    '\nExample:\n  $ npx millrace projections rebuild order-summary\n  $ npx millrace projections switch order-summary',
  )
}
