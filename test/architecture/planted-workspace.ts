import { spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'

export const projectRoot = resolve(import.meta.dirname, '../..')

export type PlantedWorkspace = { folder: string; remove(): Promise<void> }

type Files = Readonly<Record<string, string>>

const configuration = [
  '.dependency-cruiser.cjs',
  'eslint.config.mjs',
  'package.json',
  'tsconfig.base.json',
  'tsconfig.test.json',
]
// What the configuration itself needs. Nothing else is linked, and no name may be in both lists: a stand-in written
// through a link would overwrite the installed package.
const linkedPackages = ['@eslint', '@types', 'globals', 'typescript-eslint']
const standIns = ['kafkajs', 'mongodb', 'zod']

/**
 * A small workspace under the project's own rules: the given files, a package for each library that they name, and
 * empty stand-ins for outside packages. So a rule is seen to fire without touching the real tree.
 */
export const plantWorkspace = async (files: Files): Promise<PlantedWorkspace> => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-planted-'))
  for (const name of configuration) await copyFile(join(projectRoot, name), join(folder, name))
  for (const [path, content] of Object.entries(files)) await writeIn(folder, path, content)
  await linkTools(folder)
  for (const library of librariesIn(files)) await addLibrary(folder, library)
  for (const name of standIns) {
    await writeIn(folder, `node_modules/${name}/package.json`, JSON.stringify({ name, main: 'index.js' }))
    await writeIn(folder, `node_modules/${name}/index.js`, '')
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** What the command printed; a linter that finds something fails, and that is what is wanted here. */
export const outputOf = (cwd: string, command: readonly [string, ...string[]]): Promise<string> =>
  new Promise((done, fail) => {
    const [tool, ...args] = command
    const child = spawn(join(projectRoot, 'node_modules/.bin', tool), args, { cwd })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', fail)
    child.on('close', () => done(Buffer.concat(chunks).toString()))
  })

const writeIn = async (folder: string, path: string, content: string): Promise<void> => {
  const file = join(folder, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, content)
}

const linkTools = async (folder: string): Promise<void> => {
  await mkdir(join(folder, 'node_modules/@millrace'), { recursive: true })
  for (const name of linkedPackages) {
    await symlink(join(projectRoot, 'node_modules', name), join(folder, 'node_modules', name))
  }
}

const librariesIn = (files: Files): Set<string> => {
  const paths = Object.keys(files).filter((path) => path.startsWith('libs/'))
  return new Set(paths.map((path) => path.split('/')[1] ?? ''))
}

const addLibrary = async (folder: string, library: string): Promise<void> => {
  const manifest = {
    name: `@millrace/${library}`,
    type: 'module',
    exports: { '.': { source: './src/index.ts', default: './dist/index.js' } },
  }
  await writeIn(folder, `libs/${library}/package.json`, JSON.stringify(manifest))
  await symlink(join(folder, 'libs', library), join(folder, 'node_modules/@millrace', library))
}
