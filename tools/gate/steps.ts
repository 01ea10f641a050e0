import { jestProjects, runJest, type JestProject } from './run-jest.ts'
import { runCommand } from './run-command.ts'
import type { StepResult } from './tally.ts'

export type Step = { name: string; run: () => Promise<StepResult> }

const tool = (name: string): string => `node_modules/.bin/${name}`

const checks = {
  generated: [
    [process.execPath, '--conditions=source', 'tools/generate-event-types.ts', '--check'],
    [process.execPath, '--conditions=source', 'tools/write-asyncapi.ts', '--check'],
  ],
  format: [[tool('prettier'), '--check', '--log-level', 'warn', '.']],
  lint: [[tool('eslint'), '--max-warnings', '0', '.']],
  types: [
    [tool('tsc'), '-b', '--pretty', 'false'],
    [tool('tsc'), '-p', 'tsconfig.test.json', '--pretty', 'false'],
  ],
  imports: [
    [
      tool('depcruise'),
      '--config',
      '.dependency-cruiser.cjs',
      'libs',
      'services',
      'cli',
      'bench',
      'test',
      'tools',
    ],
  ],
} satisfies Record<string, string[][]>

/** All step names, in the order they run: cheapest first, so that a plain mistake is seen soon. */
export const stepNames: readonly string[] = [...Object.keys(checks), ...jestProjects]

/** Steps that need nothing but the files; two of them may run at a time. */
export const checkSteps = (): Step[] =>
  Object.entries(checks).map(([name, commands]) => ({ name, run: () => runCheck(commands) }))

export const jestSteps = (jestArgs: readonly string[]): Step[] =>
  jestProjects.map((project: JestProject) => ({ name: project, run: () => runJest(project, jestArgs) }))

const runCheck = async (commands: readonly string[][]): Promise<StepResult> => {
  const outputs: string[] = []
  for (const command of commands) {
    const { isOk, output } = await runCommand(command)
    outputs.push(output)
    if (!isOk) return { passed: 0, failed: 1, skipped: 0, output: outputs.join('') }
  }
  return { passed: 1, failed: 0, skipped: 0, output: outputs.join('') }
}
