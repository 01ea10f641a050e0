import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startScript, urlOf, type Script } from './script.ts'

const tool = {
  title: 'Tool',
  name: 'tool',
  versions: ['2.0.0', '1.0.0'],
  packageName: 'tool',
  file: 'tool/bin',
  otherwise: 'bring your own tool',
}

const standIns = {
  good: `
    import { mkdirSync, writeFileSync } from 'node:fs'
    const folder = process.argv[process.argv.indexOf('--prefix') + 1] + '/node_modules/tool'
    mkdirSync(folder, { recursive: true })
    writeFileSync(folder + '/bin', process.argv.at(-1))`,
  offline: `console.error('npm error code ENOTFOUND'); process.exitCode = 1`,
}
const onlyTheOlder = `
  if (process.argv.at(-1) === 'tool@2.0.0') { console.error('npm error code ETARGET'); process.exit(1) }
  ${standIns.good}`

describe('a tool that is fetched', () => {
  let folder: string
  let cache: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-fetch-'))
    cache = join(folder, 'cache')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const fetchWith = (npmSource: string): Script => {
    const npm = join(folder, 'npm-cli.js')
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
    writeFileSync(npm, npmSource)
    return fetchIn({ npm_execpath: npm })
  }
  const fetchIn = (env: Record<string, string>): Script =>
    startScript(
      `import { fetchTool } from '${urlOf('bootstrap/fetch-tool.mjs')}'
       await fetchTool(${JSON.stringify(tool)}).then(
         (path) => console.log('path', path),
         (error) => console.log('error', error.message))`,
      { env: { MILLRACE_CACHE: cache, ...env } },
    )

  it('is kept in the cache, and said to be fetched once', async () => {
    const first = fetchWith(standIns.good)
    await first.printed(`path ${cache}/tool-2.0.0/node_modules/tool/bin`)
    expect(first.output()).toContain('millrace: getting Tool 2.0.0')

    const second = fetchWith(standIns.offline)
    await second.printed('path')
    expect(second.output()).toBe(`path ${cache}/tool-2.0.0/node_modules/tool/bin\n`)
  })

  it('is the older version where the newer is not packaged', async () => {
    await fetchWith(onlyTheOlder).printed(`path ${cache}/tool-1.0.0/node_modules/tool/bin`)
  })

  it('may be fetched by several processes at once', async () => {
    const fetches = Array.from({ length: 4 }, () => fetchWith(standIns.good))
    await Promise.all(fetches.map(({ printed }) => printed('path')))
    expect(readdirSync(cache)).toEqual(['tool-2.0.0'])
  })

  it('leaves nothing behind when the network is missing, and says so', async () => {
    const script = fetchWith(standIns.offline)
    await script.printed('bring your own tool')
    expect(script.output()).toContain('the package registry cannot be reached')
    await script.ended
    expect(readdirSync(cache)).toEqual([])
  })

  it('needs npm, and says so', async () => {
    const script = fetchIn({ PATH: folder })
    await script.printed('bring your own tool')
    expect(script.output()).toContain('npm was not found')
  })
})
