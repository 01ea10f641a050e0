import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { contexts } from '@millrace/domain'
import { topicNames } from '@millrace/events'
import { scopesOf, scopeTable } from '@millrace/runtime'
import { projectRoot } from './planted-workspace.ts'

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8')

const table: ReadonlySet<string> = new Set(
  scopesOf({ contexts: contexts.map(({ name }) => name), topics: topicNames }),
)

/** Scopes that a source names: of a route (`scope: '…'`), or where one is asked for (`requireScope(who, '…')`). */
const scopesIn = (text: string): string[] =>
  [...text.matchAll(/\bscope:\s*'([^']*)'|\b(?:requireScope|allows)\([^,()]+,\s*'([^']*)'/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  )

const sources = globSync('services/*/src/**/*.ts', { cwd: projectRoot })

describe('the table of scopes', () => {
  it('has every scope that a route or a handler names', () => {
    const named = sources.flatMap((file) => scopesIn(read(file)))
    expect(named).toContain('import')
    expect(named.filter((scope) => !table.has(scope))).toEqual([])
  })

  it('would miss one that is not in it', () => {
    const planted = "{ path: '/x', scope: 'order:write' } requireScope(call.principal, 'opps:read')"
    expect(scopesIn(planted)).toEqual(['order:write', 'opps:read'])
    expect(scopesIn(planted).some((scope) => table.has(scope))).toBe(false)
  })

  it('has a scope for the commands of each context', () => {
    expect([...table]).toEqual(expect.arrayContaining(['orders:write', 'catalog:write']))
  })

  it('is the one of the documents', () => {
    const text = read('docs/security.md').replaceAll(/ +/g, ' ')
    expect(scopeTable.filter(({ scope, allows }) => !text.includes(`| \`${scope}\` | ${allows} |`))).toEqual(
      [],
    )
  })
})
