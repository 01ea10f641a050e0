import { CommandError } from '../exit-codes.ts'
import { assertSame, compareBuild, comparedLines, type CompareFlags } from './compare-build.ts'
import { followBuild } from './follow.ts'
import { buildIn, startedSchema, type Build } from './ops-views.ts'
import { count } from '../words.ts'
import type { OpsRun } from './with-ops.ts'

export type RebuildFlags = CompareFlags & { readonly detach: boolean; readonly compare: boolean }

export const rebuild = async (run: OpsRun, name: string, flags: RebuildFlags): Promise<void> => {
  const { print, say } = run
  const build = await startOrAttach(run, name)
  if (flags.detach)
    return print([`${name} ${build} is being built; the same command again shows how far it is`], {
      name,
      build,
    })
  say(`${name} ${build} is being built beside what readers get; Ctrl-C leaves it running`)
  const built = await followBuild(run, { name, build })
  const line = builtLine(name, built)
  if (built.role !== 'next' || !flags.compare) return print([line], { name, build, progress: built.progress })
  say(line)
  const compared = await compareBuild(run, name, flags)
  print(comparedLines(name, compared), { name, build, progress: built.progress, comparison: compared.report })
  assertSame(`${name} ${build}`, compared.report)
}

/** Somebody else may begin at the same time. */
const startOrAttach = async ({ client, say }: OpsRun, name: string): Promise<string> => {
  const underWay = async (): Promise<string | undefined> => buildIn(await client.state(name), 'next')?.name
  const there = await underWay()
  if (there !== undefined) {
    say(`${name} ${there} is being built already: this goes on with it`)
    return there
  }
  try {
    return (await client.act(name, 'rebuild', { schema: startedSchema })).build
  } catch (error) {
    const other = error instanceof CommandError ? await underWay() : undefined
    if (other === undefined) throw error
    return other
  }
}

const builtLine = (name: string, { name: build, role, progress }: Build): string =>
  `${name} ${build} has caught up: ${count(progress?.applied ?? 0)} records${role === 'served' ? '; readers get it' : ''}`
