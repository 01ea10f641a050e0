import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand, type CommandResult } from './run-command.ts'
import type { StepResult } from './tally.ts'

export const jestProjects = ['unit', 'int', 'e2e'] as const
export type JestProject = (typeof jestProjects)[number]

type JestReport = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
}

const nodeOptions = '--experimental-vm-modules --conditions=source --disable-warning=ExperimentalWarning'

/** Of two cores; with more at a time, tests that wait for Kafka or MongoDB met their own limits. */
const workers: Readonly<Record<JestProject, number>> = { unit: 2, int: 2, e2e: 1 }

const exitGraceMs = 15_000
const exitPollMs = 1_000

type Within = { readonly signal?: AbortSignal; readonly env?: Record<string, string> }

const jest = (args: readonly string[], { signal, env }: Within = {}): Promise<CommandResult> =>
  runCommand(['node_modules/.bin/jest', ...args], {
    env: { NODE_OPTIONS: [process.env['NODE_OPTIONS'], nodeOptions].filter(Boolean).join(' '), ...env },
    ...(signal ? { signal } : {}),
  })

export const runJest = async (project: JestProject, args: readonly string[]): Promise<StepResult> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-jest-'))
  const file = join(folder, 'report.json')
  const lingering = watchForLingering(file)
  try {
    const options = [
      `--maxWorkers=${workers[project]}`,
      '--selectProjects',
      project,
      '--json',
      `--outputFile=${file}`,
    ]
    // Tests start the same services hundreds of times: each reads what the first has compiled, in half the time.
    const env = { NODE_COMPILE_CACHE: join(folder, 'compiled') }
    const result = await jest([...options, ...args], { signal: lingering.signal, env })
    return tallyJest(result, await readReport(file))
  } finally {
    lingering.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

// Jest writes its report and then waits, for ever if need be, for whatever the tests left open.
const watchForLingering = (report: string): { signal: AbortSignal; stop: () => void } => {
  const controller = new AbortController()
  let reportedAt: number | null = null
  const polling = setInterval(() => {
    if (reportedAt === null && existsSync(report)) reportedAt = performance.now()
    if (reportedAt !== null && performance.now() - reportedAt > exitGraceMs) {
      controller.abort(
        'the run did not end after its last test: a server, timer or child process is left open',
      )
    }
  }, exitPollMs)
  return { signal: controller.signal, stop: () => clearInterval(polling) }
}

/** Whether the project has test files that the arguments (paths, patterns) select. */
export const hasTests = async (project: JestProject, args: readonly string[]): Promise<boolean> => {
  const { isOk, output } = await jest(['--selectProjects', project, '--listTests', ...args])
  return !isOk || output.includes('.test.ts')
}

/**
 * A file that does not load counts as one failed test; so does a run that fails for another reason than its tests
 * (a set-up that throws), and a run without tests, which would otherwise look like success.
 */
export const tallyJest = ({ isOk, output }: CommandResult, report: JestReport | null): StepResult => {
  if (!report) return { passed: 0, failed: 1, skipped: 0, output }
  const passed = report.numPassedTests
  const skipped = report.numPendingTests + report.numTodoTests
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites
  if (failed === 0 && !isOk) return { passed, failed: 1, skipped, output }
  if (failed === 0 && passed === 0) return { passed, failed: 1, skipped, output: `${output}\nno tests ran\n` }
  return { passed, failed, skipped, output }
}

const readReport = async (file: string): Promise<JestReport | null> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JestReport
  } catch {
    return null
  }
}
