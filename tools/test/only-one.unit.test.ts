import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { startScript, urlOf, type Script } from './script.ts'

const deadPid = 2 ** 22 + 1

describe('the install lock', () => {
  let path: string
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'millrace-lock-')), 'install.lock')
  })
  afterEach(() => rmSync(dirname(path), { recursive: true }))

  const startHolder = (work: string): Script =>
    startScript(
      `import { onlyOne } from '${urlOf('bootstrap/only-one.mjs')}'
       import { setTimeout as sleep } from 'node:timers/promises'
       import { openSync, closeSync, unlinkSync } from 'node:fs'
       await onlyOne('${path}', async () => { ${work} })`,
    )
  // Opening with wx fails when somebody else is inside.
  const beInsideAlone = (): string =>
    `closeSync(openSync('${path}-inside', 'wx')); await sleep(20); unlinkSync('${path}-inside')`

  it('lets one process in at a time', async () => {
    const holders = Array.from({ length: 6 }, () => startHolder(beInsideAlone()))
    const ends = await Promise.all(holders.map(({ ended }) => ended))
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('lets one process in at a time after its owner died', async () => {
    writeFileSync(`${path}.7`, String(deadPid))
    const holders = Array.from({ length: 4 }, () => startHolder(beInsideAlone()))
    const ends = await Promise.all(holders.map(({ ended }) => ended))
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0])
  })

  it('passes to the next process when its owner is killed', async () => {
    const owner = startHolder(`console.log('inside'); await sleep(60_000)`)
    await owner.printed('inside')
    const next = startHolder(`console.log('inside')`)
    owner.child.kill('SIGKILL')
    await next.printed('inside')
    await next.ended
  })

  it('leaves one file behind', async () => {
    await startHolder('').ended
    await startHolder('').ended
    expect(readdirSync(dirname(path))).toEqual(['install.lock.2'])
  })
})
