import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { projectRoot } from './planted-workspace.ts'

type Manifest = {
  name: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}
type TypeScriptConfig = { references?: { path: string }[] }

const readJson = <T>(path: string): T => JSON.parse(readFileSync(join(projectRoot, path), 'utf8')) as T

const grouped = ['libs', 'services'].flatMap((group) =>
  readdirSync(join(projectRoot, group)).map((name) => `${group}/${name}`),
)
const folders = [...grouped, 'cli']
const folderOf = new Map(folders.map((folder) => [readJson<Manifest>(`${folder}/package.json`).name, folder]))

const referencedBy = (folder: string): string[] =>
  (readJson<TypeScriptConfig>(`${folder}/tsconfig.json`).references ?? []).map(({ path }) =>
    relative(projectRoot, join(projectRoot, folder, path)),
  )

const dependenciesOf = (folder: string): string[] =>
  Object.keys(readJson<Manifest>(`${folder}/package.json`).dependencies ?? {}).flatMap(
    (name) => folderOf.get(name) ?? [],
  )

describe('the packages', () => {
  it.each(folders)('%s has the same arrows in package.json and tsconfig.json', (folder) => {
    expect(referencedBy(folder).toSorted()).toEqual(dependenciesOf(folder).toSorted())
  })

  it('are all built by the root tsconfig.json', () => {
    expect(referencedBy('.').toSorted()).toEqual(folders.toSorted())
  })

  it.each(['.', ...folders])('%s takes outside versions from the catalog only', (folder) => {
    const { dependencies = {}, devDependencies = {} } = readJson<Manifest>(`${folder}/package.json`)
    const versions = Object.values({ ...dependencies, ...devDependencies })
    expect(versions.filter((version) => version !== 'catalog:' && version !== 'workspace:*')).toEqual([])
  })
})
