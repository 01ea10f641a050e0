import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { loadDevSecrets } from '../src/start/dev-secrets.ts'

let home: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'millrace-secrets-'))
})
afterEach(() => rm(home, { recursive: true }))

describe('the secrets of a development run', () => {
  it('are marked as such, and stay the same', async () => {
    const secrets = await loadDevSecrets(home)
    expect(secrets.token).toMatch(/^dev-only-.{32}/)
    expect(secrets.tokenSecret).toMatch(/^dev-only-.{64}/)
    expect(await loadDevSecrets(home)).toEqual(secrets)
  })

  it('are made anew where they are without the mark: production would take them', async () => {
    const old = { token: 't'.repeat(32), tokenSecret: 's'.repeat(64) }
    await writeFile(join(home, 'dev-secrets.json'), JSON.stringify(old))
    const secrets = await loadDevSecrets(home)
    expect(secrets.tokenSecret).toMatch(/^dev-only-/)
    expect(await loadDevSecrets(home)).toEqual(secrets)
  })
})
