import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { glob, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { outputOf, plantWorkspace, projectRoot, type PlantedWorkspace } from './planted-workspace.ts'

type FileReport = {
  filePath: string
  messages: { ruleId: string | null; message: string; fatal?: boolean }[]
}

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n')

const sources = '{libs,services,cli,bench,test,tools}/**/*.{ts,mjs}'
const domainFile = 'libs/domain/src/'
const libFile = 'libs/runtime/src/'
const mongoFile = 'libs/mongo/src/'

type Plant = { rule: string; because: string; file: string; content: string }
const plants: readonly Plant[] = [
  {
    rule: 'no-restricted-syntax',
    because: 'new Date() in the domain',
    file: `${domainFile}a.ts`,
    content: 'export const at = (): Date => new Date()\n',
  },
  {
    rule: 'no-restricted-properties',
    because: 'Date.now in the domain',
    file: `${domainFile}b.ts`,
    content: 'export const at = (): number => Date.now()\n',
  },
  {
    rule: 'no-restricted-properties',
    because: 'Math.random in the domain',
    file: `${domainFile}c.ts`,
    content: 'export const { random } = Math\n',
  },
  {
    rule: 'no-restricted-syntax',
    because: 'await in the domain',
    file: `${domainFile}d.ts`,
    content: 'export const x = await Promise.resolve(1)\n',
  },
  {
    rule: 'no-restricted-globals',
    because: 'a timer in the domain',
    file: `${domainFile}e.ts`,
    content: 'export const later = (run: () => void): unknown => setTimeout(run, 1)\n',
  },
  {
    rule: 'no-restricted-properties',
    because: 'process.env outside config.ts',
    file: `${libFile}a.ts`,
    content: `export const host = process.env['HOST']\n`,
  },
  {
    rule: 'no-restricted-imports',
    because: 'process.env under another name',
    file: `${libFile}b.ts`,
    content: `import { env } from 'node:process'\nexport const host = env['HOST']\n`,
  },
  {
    rule: 'no-restricted-properties',
    because: 'process.exit outside main.ts',
    file: `${libFile}c.ts`,
    content: 'export const leave = (): void => process.exit(1)\n',
  },
  {
    rule: '@typescript-eslint/no-floating-promises',
    because: 'a promise nobody awaits',
    file: `${libFile}d.ts`,
    content: 'export const send = (): void => {\n  Promise.resolve(1)\n}\n',
  },
  {
    rule: '@typescript-eslint/no-misused-promises',
    because: 'an async callback where nobody awaits',
    file: `${libFile}e.ts`,
    content: `export const listen = (): void => {\n  process.on('exit', async () => {})\n}\n`,
  },
  {
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    because: 'a switch that forgets a case',
    file: `${libFile}f.ts`,
    content: `export const f = (x: 'a' | 'b'): number => {\n  switch (x) {\n    case 'a':\n      return 1\n  }\n  return 2\n}\n`,
  },
  {
    rule: '@typescript-eslint/consistent-type-definitions',
    because: 'an interface',
    file: `${libFile}g.ts`,
    content: 'export interface Point {\n  x: number\n}\n',
  },
  {
    rule: '@typescript-eslint/no-explicit-any',
    because: 'any',
    file: `${libFile}h.ts`,
    content: 'export type Anything = any\n',
  },
  {
    rule: '@typescript-eslint/no-non-null-assertion',
    because: 'a non-null assertion',
    file: `${libFile}i.ts`,
    content: 'export const first = (list: number[]): number => list[0]!\n',
  },
  {
    rule: 'no-restricted-syntax',
    because: 'a default export',
    file: `${libFile}j.ts`,
    content: 'export default 1\n',
  },
  {
    rule: 'no-restricted-syntax',
    because: 'export *',
    file: `${libFile}k.ts`,
    content: `export * from './l.ts'\n`,
  },
  {
    rule: 'no-console',
    because: 'console in a library',
    file: `${libFile}l.ts`,
    content: 'console.log(1)\n',
  },
  {
    rule: 'eqeqeq',
    because: 'a loose comparison',
    file: `${libFile}m.ts`,
    content: 'export const same = (a: number, b: number): boolean => a == b\n',
  },
  {
    rule: 'max-lines',
    because: 'a file above 250 lines',
    file: `${libFile}n.ts`,
    content: lines(251, (index) => `export const x${index} = ${index}`),
  },
  {
    rule: 'max-lines-per-function',
    because: 'a function above 50 lines',
    file: `${libFile}o.ts`,
    content: `export const long = (log: (n: number) => void): void => {\n${lines(50, (index) => `  log(${index})`)}\n}\n`,
  },
  {
    rule: 'max-params',
    because: 'a fourth parameter',
    file: `${libFile}p.ts`,
    content: 'export const sum = (a: number, b: number, c: number, d: number): number => a + b + c + d\n',
  },
  {
    rule: 'max-depth',
    because: 'a fourth level of nesting',
    file: `${libFile}q.ts`,
    content:
      'export const deep = (a: boolean, b: () => void): void => {\n' +
      'if (a) { while (a) { if (a) { if (a) b() } } }\n}\n',
  },
  {
    rule: 'complexity',
    because: 'an eleventh path',
    file: `${libFile}r.ts`,
    content: `export const pick = (n: number): number => {\n${lines(10, (index) => `  if (n === ${index}) return ${index + 1}`)}\n  return 0\n}\n`,
  },
  {
    rule: 'no-restricted-syntax',
    because: 'a collection opened past the tenants',
    file: `${mongoFile}a.ts`,
    content: `type Db = { collection(name: string): string }\nexport const raw = (db: Db): string => db.collection('commits')\n`,
  },
  {
    rule: 'no-restricted-syntax',
    because: 'a service that looks into the database',
    file: 'services/query-api/src/a.ts',
    content: 'export const raw = (mongo: { db: string }): string => mongo.db\n',
  },
  {
    rule: 'no-restricted-syntax',
    because: 'the database under another name',
    file: 'cli/src/a.ts',
    content: 'export const raw = ({ db: other }: { db: string }): string => other\n',
  },
  {
    rule: 'no-restricted-imports',
    because: 'the driver’s collections',
    file: `${mongoFile}b.ts`,
    content: `import type { Collection } from 'mongodb'\nexport type Raw = Collection\n`,
  },
  {
    rule: 'no-restricted-imports',
    because: 'work across tenants that is not listed',
    file: `${mongoFile}c.ts`,
    content: `export { commits } from './across-tenants.ts'\n`,
  },
  {
    rule: 'no-restricted-imports',
    because: 'the inside of a tenants’ collection, also for the relay',
    file: `${mongoFile}publications.ts`,
    content: `export { inside } from './tenant-collection.ts'\n`,
  },
]

const legal = {
  'services/projector/src/config.ts': `export const host = process.env['HOST']\n`,
  'services/projector/src/main.ts': 'process.exit(0)\n',
  'libs/domain/src/legal.ts': 'export const at = (ms: number): Date => new Date(ms)\n',
  [`${mongoFile}across-tenants.ts`]: `export { inside as commits } from './tenant-collection.ts'\n`,
  [`${mongoFile}tenant-collection.ts`]: 'export const inside = 1\n',
  [`${mongoFile}indexes.ts`]: `export { commits } from './across-tenants.ts'\n`,
  'cli/src/print.ts': `console.log('a command line talks')\n`,
}

describe('the lint rules', () => {
  let workspace: PlantedWorkspace
  let reports: FileReport[]

  beforeAll(async () => {
    const planted = Object.fromEntries(plants.map(({ file, content }) => [file, content]))
    workspace = await plantWorkspace({ ...legal, ...planted })
    reports = JSON.parse(
      await outputOf(workspace.folder, ['eslint', '--format', 'json', '.']),
    ) as FileReport[]
  }, 60_000)
  afterAll(() => workspace.remove())

  const firedIn = (file: string): (string | null)[] =>
    reports
      .filter(({ filePath }) => relative(workspace.folder, filePath) === file)
      .flatMap(({ messages }) => messages.map(({ ruleId, message }) => ruleId ?? message))

  it.each(plants)('refuse $because', ({ rule, file }) => {
    expect(firedIn(file)).toContain(rule)
  })

  it.each(Object.keys(legal))('allow %s', (file) => {
    expect(reports.map(({ filePath }) => relative(workspace.folder, filePath))).toContain(file)
    expect(firedIn(file)).toEqual([])
  })

  it('are switched off only with a reason on the same line', async () => {
    const bare: string[] = []
    for await (const file of glob(sources, {
      cwd: projectRoot,
      exclude: (name) => name === 'node_modules',
    })) {
      const text = await readFile(join(projectRoot, file), 'utf8')
      const isBare = text.split('\n').some((line) => /[/*] eslint-disable/.test(line) && !/ -- \S/.test(line))
      if (isBare) bare.push(file)
    }
    expect(bare).toEqual([])
  })
})
