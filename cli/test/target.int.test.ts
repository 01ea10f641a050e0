import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { loadConfig } from '../src/config.ts'
import { writeRun } from '../src/run-file.ts'
import { findTarget } from '../src/target.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-target-'))
})
afterEach(() => rm(home, { recursive: true }))

const URL_HERE = 'http://127.0.0.1:3001'
const runWith = (token: string | null): Promise<void> =>
  writeRun(home, {
    pid: 1,
    token,
    urls: { kafka: '', mongo: '', registry: '' },
    services: { 'command-api': { url: URL_HERE, admin: null, pid: null } },
  })
const find = (env: Readonly<Record<string, string>>, url?: string) =>
  findTarget('command-api', { url, config: loadConfig({ MILLRACE_HOME: home, ...env }) })

describe('the token that a command sends', () => {
  it('is that of the development stack that runs here', async () => {
    await runWith('of-run')
    expect(await find({ MILLRACE_TOKEN: 'of-user' })).toEqual({ url: URL_HERE, token: 'of-run' })
  })

  it('is the user’s where that stack has an identity provider', async () => {
    await runWith(null)
    expect(await find({ MILLRACE_TOKEN: 'of-user' })).toEqual({ url: URL_HERE, token: 'of-user' })
  })

  it('is asked for where there is none', async () => {
    await runWith(null)
    await expect(find({})).rejects.toMatchObject({
      message: expect.stringContaining('MILLRACE_TOKEN'),
      exitCode: 2,
    })
  })

  it('is the user’s, if any, for a service that is named', async () => {
    const url = 'http://there.example'
    expect(await find({ MILLRACE_TOKEN: 'of-user' }, url)).toEqual({ url, token: 'of-user' })
    expect(await find({}, url)).toEqual({ url, token: undefined })
  })
})
