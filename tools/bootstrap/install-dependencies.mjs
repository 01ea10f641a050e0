import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fetchTool } from './fetch-tool.mjs'
import { onlyOne } from './only-one.mjs'
import { run } from './run.mjs'

const pnpmVersion = '12.21.0'

/** Installs what the lockfile says, unless that is what is installed already. */
export const installDependencies = async ({ root, env }) => {
  const stamp = join(root, 'node_modules', '.millrace-install')
  const isDone = () => readOrNull(stamp) === hashOfManifests(root)
  if (isDone()) return

  await mkdir(join(root, '.millrace'), { recursive: true })
  await onlyOne(join(root, '.millrace', 'install.lock'), async () => {
    if (isDone()) return
    const hash = hashOfManifests(root)
    await pnpmInstall({ root, env })
    await writeFile(stamp, hash)
  })
}

const pnpmInstall = async ({ root, env }) => {
  const pnpm = await fetchTool({
    title: 'pnpm',
    name: 'pnpm',
    versions: [pnpmVersion],
    packageName: 'pnpm',
    file: 'pnpm/bin/pnpm.mjs',
    otherwise: `run \`pnpm install --frozen-lockfile\` with pnpm ${pnpmVersion}`,
  })
  console.error('millrace: installing dependencies (once per change of the lockfile)')
  // CI=true: pnpm asks no questions.
  const options = { cwd: root, env: { ...env, CI: 'true' } }
  const result = await run(process.execPath, [pnpm, 'install', '--frozen-lockfile'], options)
  if (result.code !== 0) throw new Error(`the dependencies cannot be installed:\n${result.output.trim()}`)
}

const hashOfManifests = (root) => {
  const hash = createHash('sha256')
  const files = ['pnpm-workspace.yaml', 'pnpm-lock.yaml', ...manifestsIn(root)]
  for (const file of files) hash.update(`${file}\n${readOrNull(join(root, file))}\n`)
  return hash.digest('hex')
}

const manifestsIn = (root) => {
  const packages = ['libs', 'services'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(group, name)),
  )
  return ['.', 'cli', ...packages].map((folder) => join(folder, 'package.json')).toSorted()
}

const readOrNull = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  }
}
