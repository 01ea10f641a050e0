import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { projections } from '@millrace/domain'
import { topicNames } from '@millrace/events'
import { problems } from '@millrace/runtime'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const pages = ['README.md', 'CONTRIBUTING.md', 'bench/README.md', ...globSync('docs/**/*.md', { cwd: ROOT })]

const linksOf = (page: string): string[] =>
  [...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map((match) => match[1] ?? '')

/** `code: 'SOME_CODE'` and failure('SOME_CODE', …) in production code. */
const codesInSource = (): string[] => {
  const files = globSync(['libs/*/src/**/*.ts', 'services/*/src/**/*.ts'], { cwd: ROOT })
  const found = files.flatMap((file) => [
    ...read(file).matchAll(/'((?:KAFKA|MONGO|STORE|PORT|SNAPSHOT|IDENTITY)_[A-Z_]+)'/g),
  ])
  return [...new Set(found.map((match) => match[1] ?? ''))]
}

describe('the documents', () => {
  it.each(pages)('%s links to files that exist', (page) => {
    const broken = linksOf(page).filter((link) => !existsSync(join(ROOT, dirname(page), link)))
    expect(broken).toEqual([])
  })

  it('name every problem type with its status', () => {
    const text = read('docs/errors.md').replaceAll(/ +/g, ' ')
    const missing = Object.values(problems)
      .map((make) => make('').problem)
      .filter(({ type, status }) => !text.includes(`| \`${type}\` | ${status} |`))
    expect(missing).toEqual([])
  })

  it('name every error code', () => {
    const notCodes = ['MONGO_URL', 'MONGO_DATABASE', 'KAFKA_BROKERS', 'KAFKA_REPLICATION_FACTOR']
    const text = read('docs/errors.md')
    expect(codesInSource().filter((code) => !notCodes.includes(code) && !text.includes(code))).toEqual([])
  })

  it('name every topic and read model', () => {
    const text = read('docs/topics.md')
    const names = [...topicNames, ...projections.map(({ name }) => name)]
    expect(names.filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  })

  it.each(projections)('name what $name is filtered and sorted by', ({ name, filters, sorts }) => {
    const row = read('docs/read-models.md')
      .split('\n')
      .find((line) => line.startsWith(`| \`${name}\` `))
    const names = [...Object.keys(filters), ...Object.keys(sorts)]
    expect(names.filter((word) => !row?.includes(`\`${word}\``))).toEqual([])
    expect(row).toBeDefined()
  })
})
