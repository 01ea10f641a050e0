import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { watchRevokedTokens, type RevokedTokens } from '../../src/identity/revoked-tokens.ts'
import { ConfigError } from '../../src/read-config.ts'
import { silentLogger } from '../../src/logger.ts'
import { recordingLogger } from '../log-lines.ts'
import { configOf, providerEnv } from './identity-fixture.ts'

let folder: string
let path: string
let revoked: RevokedTokens | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-revoked-'))
  path = join(folder, 'revoked')
})
afterEach(async () => {
  revoked?.close()
  await rm(folder, { recursive: true })
})

const watch = () => {
  const { logger, lines } = recordingLogger()
  const list = watchRevokedTokens(path, { logger, checkEveryMs: 10 })
  revoked = list
  const until = (jti: string, isRevoked: boolean): Promise<boolean> =>
    eventually(
      () => list.has(jti),
      (has) => has === isRevoked,
    )
  return { list, lines, until }
}

describe('the list of revoked tokens', () => {
  it('has one id a line, whatever ends the line', async () => {
    await writeFile(path, 'a\r\n\n  b  \nc d')
    const { list } = watch()
    expect(['a', 'b', 'c d', 'c', ''].map(list.has)).toEqual([true, true, true, false, false])
  })

  it('is read again when it changes', async () => {
    await writeFile(path, 'a\n')
    const { until } = watch()
    await writeFile(path, 'a\nb\n')
    await until('b', true)
    await writeFile(path, 'b\n')
    await until('a', false)
  })

  it('is read again when its folder is exchanged behind a link, as a mounted ConfigMap does it', async () => {
    await writeFile(join(folder, 'old'), 'a\n')
    await writeFile(join(folder, 'new'), 'b\n')
    await symlink('old', path)
    const { until } = watch()
    await symlink('new', `${path}.next`)
    await rename(`${path}.next`, path)
    await until('b', true)
  })

  it('stays as it was while it cannot be read, and is read when it can', async () => {
    await writeFile(path, 'a\n')
    const { list, lines, until } = watch()
    await rm(path)
    await eventually(
      () => lines.map(({ level }) => level),
      (levels) => levels.includes('error'),
    )
    expect(list.has('a')).toBe(true)
    await writeFile(path, 'b\n')
    await until('a', false)
  })

  it('forgets an id only when two looks in a row miss it: the first may be at a file that is being written', async () => {
    await writeFile(path, 'a\nb\n')
    const seen: string[] = []
    const list: RevokedTokens = watchRevokedTokens(path, {
      logger: { ...silentLogger, info: () => void seen.push(['a', 'b', 'c'].filter(list.has).join('')) },
      checkEveryMs: 10,
    })
    revoked = list
    await writeFile(path, 'b\nc\n')
    await eventually(
      () => seen,
      ({ length }) => length >= 2,
    )
    expect(seen[0]).toBe('abc')
    expect(seen.at(-1)).toBe('bc')
  })

  it('goes on being looked for while it cannot be read, though nothing changes', async () => {
    await writeFile(path, 'a\n')
    const { list, lines, until } = watch()
    await rm(path)
    await eventually(
      () => lines.filter(({ level }) => level === 'error'),
      ({ length }) => length >= 3,
    )
    expect(list.has('a')).toBe(true)
    await writeFile(path, 'a\nb\n')
    await until('b', true)
  })

  it.each([
    ['is not there', () => Promise.resolve()],
    ['is too large', () => writeFile(path, Buffer.alloc(16 * 1024 * 1024 + 1))],
  ])('keeps a service from starting when it %s', async (_, prepare) => {
    await prepare()
    expect(watch).toThrow(ConfigError)
    expect(watch).toThrow(/REVOKED_TOKENS_FILE/)
  })

  it('is told among the other faults of the environment when it cannot be read', () => {
    const env = { PORT: 'http', REVOKED_TOKENS_FILE: path }
    const read = () => configOf(providerEnv('https://issuer.example/keys', env))
    expect(read).toThrow(/PORT: .*\n.*REVOKED_TOKENS_FILE: cannot be read/)
  })

  it('is empty without a file', () => {
    const { logger } = recordingLogger()
    expect(watchRevokedTokens(undefined, { logger }).has('a')).toBe(false)
  })
})
