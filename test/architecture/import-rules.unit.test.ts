import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createRequire } from 'node:module'
import { outputOf, plantWorkspace, projectRoot, type PlantedWorkspace } from './planted-workspace.ts'

type Violation = { rule: { name: string }; from: string; to: string }
type Configuration = { forbidden: { name: string }[] }
type Report = { summary: { violations: Violation[] } }

const violationsIn = async (cwd: string, folders: readonly string[]): Promise<Violation[]> => {
  const options = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json']
  const report = JSON.parse(await outputOf(cwd, ['depcruise', ...options, ...folders])) as Report
  return report.summary.violations
}

const importing = (...modules: string[]): string =>
  modules.map((module, index) => `import * as imported${index} from '${module}'\n`).join('') +
  'export const x = 1\n'

const legal = {
  'libs/events/src/index.ts': `export { x } from './topics.ts'\n`,
  'libs/events/src/topics.ts': importing('zod'),
  'libs/domain/src/index.ts': importing('./orders/decide.ts', '@millrace/events', 'zod'),
  'libs/domain/src/orders/decide.ts': importing('@millrace/events'),
  'libs/domain/test/decide.unit.test.ts': importing('../src/orders/decide.ts', '@millrace/testkit'),
  'libs/runtime/src/index.ts': importing('node:http'),
  'libs/kafka/src/index.ts': importing('kafkajs', '@millrace/runtime', '@millrace/events'),
  'libs/mongo/src/index.ts': importing('mongodb', '@millrace/runtime', '@millrace/events'),
  'libs/testkit/src/index.ts': importing('@millrace/events', '@millrace/domain'),
  'services/query-api/src/main.ts': importing('@millrace/kafka', '@millrace/mongo', '@millrace/domain'),
  'services/projector/src/main.ts': importing('./lane.ts'),
  'services/projector/src/lane.ts': importing('@millrace/kafka', '@millrace/mongo'),
  'cli/src/main.ts': importing('@millrace/kafka'),
  'cli/test/main.unit.test.ts': importing('../src/main.ts', '@millrace/testkit'),
  'tools/build.ts': importing('@millrace/events'),
  'test/e2e/order.e2e.test.ts': importing('@millrace/domain'),
}

// The other half of a cycle, which is reported at its first file.
const accomplices = {
  'libs/runtime/src/b.ts': `import type * as a from './a.ts'\nexport type A = typeof a\n`,
}

type Plant = { rule: string; file: string; content: string }
const plants: readonly Plant[] = [
  { rule: 'no-cycles', file: 'libs/runtime/src/a.ts', content: importing('./b.ts') },
  {
    rule: 'libs-below-services',
    file: 'libs/runtime/src/c.ts',
    content: importing('../../../services/projector/src/lane.ts'),
  },
  {
    rule: 'services-apart',
    file: 'services/query-api/src/a.ts',
    content: importing('../../projector/src/lane.ts'),
  },
  {
    rule: 'cli-without-services',
    file: 'cli/src/a.ts',
    content: importing('../../services/projector/src/lane.ts'),
  },
  { rule: 'domain-is-pure', file: 'libs/domain/src/a.ts', content: importing('node:fs') },
  { rule: 'domain-is-pure', file: 'libs/domain/src/b.ts', content: importing('@millrace/runtime') },
  {
    rule: 'libs-by-their-index',
    file: 'services/projector/src/a.ts',
    content: importing('../../../libs/events/src/topics.ts'),
  },
  {
    rule: 'libs-by-their-index',
    file: 'libs/kafka/src/a.ts',
    content: importing('../../events/src/topics.ts'),
  },
  { rule: 'kafka-and-mongo-apart', file: 'libs/kafka/src/b.ts', content: importing('@millrace/mongo') },
  { rule: 'kafka-and-mongo-apart', file: 'libs/mongo/src/b.ts', content: importing('@millrace/kafka') },
  { rule: 'kafka-client-in-libs-kafka', file: 'services/projector/src/b.ts', content: importing('kafkajs') },
  { rule: 'mongo-driver-in-libs-mongo', file: 'services/projector/src/c.ts', content: importing('mongodb') },
  {
    rule: 'testkit-in-tests-only',
    file: 'services/projector/src/d.ts',
    content: importing('@millrace/testkit'),
  },
  { rule: 'src-stands-alone', file: 'cli/src/b.ts', content: importing('../../tools/build.ts') },
  { rule: 'resolvable', file: 'cli/src/c.ts', content: importing('not-declared-anywhere') },
]

describe('the import rules', () => {
  let workspace: PlantedWorkspace
  let violations: Violation[]

  beforeAll(async () => {
    const planted = Object.fromEntries(plants.map(({ file, content }) => [file, content]))
    workspace = await plantWorkspace({ ...legal, ...accomplices, ...planted })
    violations = await violationsIn(workspace.folder, ['libs', 'services', 'cli', 'test', 'tools'])
  })
  afterAll(() => workspace.remove())

  it.each(plants)('$rule fires on $file, and no other rule does', ({ rule, file }) => {
    const fired = violations.filter(({ from }) => from === file).map((violation) => violation.rule.name)
    expect([...new Set(fired)]).toEqual([rule])
  })

  it('leave legal imports alone', () => {
    const inLegalFiles = violations.filter(({ from }) => Object.hasOwn(legal, from))
    expect(inLegalFiles).toEqual([])
  })

  it('each have a planted violation', () => {
    const config = createRequire(import.meta.url)('../../.dependency-cruiser.cjs') as Configuration
    expect([...new Set(plants.map(({ rule }) => rule))]).toEqual(config.forbidden.map(({ name }) => name))
  })

  it('hold in this repository', async () => {
    const folders = ['libs', 'services', 'cli', 'bench', 'test', 'tools']
    const found = await violationsIn(projectRoot, folders)
    expect(found.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)).toEqual([])
  })
})
