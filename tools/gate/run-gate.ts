import { checkSteps, jestSteps, stepNames, type Step } from './steps.ts'
import { summaryOf, type StepResult, type Tally } from './tally.ts'
import { hasTests, jestProjects, type JestProject } from './run-jest.ts'
import type { TestServers } from '../test-servers.ts'

const suiteNames: readonly string[] = jestProjects

type GateOptions = {
  args: readonly string[]
  print: (line: string) => void
  startServers: () => Promise<TestServers>
}

/** Leading step names choose the steps. What follows them goes to Jest: to the suites among them, else to all. */
export const planGate = (args: readonly string[]): { names: string[]; jestArgs: string[] } => {
  if (args.length === 0) return { names: [...stepNames], jestArgs: [] }
  const firstOther = args.findIndex((arg) => !stepNames.includes(arg))
  const chosen = args.slice(0, firstOther === -1 ? args.length : firstOther)
  const jestArgs = args.slice(chosen.length)
  const hasSuite = chosen.some((name) => suiteNames.includes(name))
  return { names: jestArgs.length === 0 || hasSuite ? chosen : [...chosen, ...suiteNames], jestArgs }
}

/** Runs the chosen steps and goes on after a failure, so that one run shows all faults. */
export const runGate = async ({ args, print, startServers }: GateOptions): Promise<Tally> => {
  const { names, jestArgs } = planGate(args)
  const total: Tally = { passed: 0, failed: 0, skipped: 0 }
  const runStep = async ({ name, run }: Step): Promise<void> => {
    const startedAt = performance.now()
    const result = await run().catch(failureOf)
    print(lineOf(name, result, performance.now() - startedAt))
    if (result.failed > 0) print(`\n${result.output.trimEnd()}\n`)
    total.passed += result.passed
    total.failed += result.failed
    total.skipped += result.skipped
  }

  await twoAtATime(checkSteps().filter(isIn(names)), runStep)
  const suites = await withTests(jestSteps(jestArgs).filter(isIn(names)), jestArgs)
  for (const suite of suites.filter(({ name }) => name === 'unit')) await runStep(suite)
  await runWithServers({ suites: suites.filter(({ name }) => name !== 'unit'), runStep, startServers })
  if (total.passed + total.failed === 0) await runStep(nothingChosen)
  return total
}

type ServerSuites = {
  suites: readonly Step[]
  runStep: (step: Step) => Promise<void>
  startServers: GateOptions['startServers']
}

const runWithServers = async ({ suites, runStep, startServers }: ServerSuites): Promise<void> => {
  if (suites.length === 0) return
  const started: TestServers[] = []
  const start = async (): Promise<StepResult> => {
    started.push(await startServers())
    return { passed: 1, failed: 0, skipped: 0, output: '' }
  }
  await runStep({ name: 'servers', run: start })
  for (const suite of suites) await runStep(started.length > 0 ? suite : notRun(suite))
  for (const servers of started) {
    await servers.stop().catch((error: unknown) => runStep(failing('servers', error)))
  }
}

const isIn =
  (names: readonly string[]) =>
  ({ name }: Step): boolean =>
    names.includes(name)

// With a path or pattern most suites have nothing to do; then no server is started for them.
const withTests = async (suites: Step[], jestArgs: readonly string[]): Promise<Step[]> => {
  if (jestArgs.length === 0) return suites
  const found = await Promise.all(suites.map(({ name }) => hasTests(name as JestProject, jestArgs)))
  return suites.filter((_, index) => found[index])
}

const twoAtATime = async (steps: Step[], runStep: (step: Step) => Promise<void>): Promise<void> => {
  const queue = [...steps]
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step; step = queue.shift()) await runStep(step)
  }
  await Promise.all([worker(), worker()])
}

const failureOf = (error: unknown): StepResult => ({
  passed: 0,
  failed: 1,
  skipped: 0,
  output: error instanceof Error ? (error.stack ?? error.message) : String(error),
})

const failing = (name: string, reason: unknown): Step => ({
  name,
  run: () => Promise.resolve(failureOf(reason)),
})

const notRun = ({ name }: Step): Step => failing(name, 'not run: its servers did not start')

const nothingChosen = failing('tests', `nothing to run; the steps are ${stepNames.join(', ')}`)

const lineOf = (name: string, result: StepResult, elapsedMs: number): string => {
  const mark = result.failed > 0 ? '✗' : '✓'
  const isSuite = suiteNames.includes(name)
  const counts = isSuite ? `   ${summaryOf(result)}` : ''
  return `${mark} ${name.padEnd(10)} ${(elapsedMs / 1000).toFixed(1).padStart(6)} s${counts}`
}
