import { afterAll, describe, expect, it } from '@jest/globals'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startScript, urlOf, type Script, type ScriptOptions } from './script.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-run-child-')))
afterAll(() => rmSync(folder, { recursive: true }))

/** The source of the bootstrap's last part, around a script with the given source. */
const bootstrapAround = (source: string): string => {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.mjs`)
  writeFileSync(file, source)
  return `
    import { runChild } from '${urlOf('bootstrap/run-child.mjs')}'
    await runChild({ command: process.execPath, args: ['${file}'], env: process.env })`
}

const startAround = (source: string, options?: ScriptOptions): Script =>
  startScript(bootstrapAround(source), options)

const staysUp = `setInterval(() => {}, 1000); console.log('up')`
// Counts what reaches it, and leaves well after an echo would have come.
const watching = `
  import { onParentGone } from '${urlOf('../cli/src/exit-with-parent.ts')}'
  let stops = 0, signals = 0
  const leave = () => setTimeout(() => { console.log('stops', stops, 'signals', signals); process.exit(0) }, 500)
  onParentGone(() => { stops++; leave() })
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => { signals++; leave() })
  ${staysUp}`

describe('the bootstrap', () => {
  it('passes the exit code on', async () => {
    expect(await startAround('process.exitCode = 7').ended).toEqual({ code: 7, signal: null })
  })

  it('dies of the signal that its script died of', async () => {
    const ended = await startAround(`process.kill(process.pid, 'SIGKILL')`).ended
    expect(ended).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('leaves the working directory alone', async () => {
    const script = startAround('console.log(`in ${process.cwd()}`)', { cwd: folder })
    await script.ended
    expect(script.output()).toContain(`in ${folder}`)
  })

  it('forwards SIGTERM to a script that does not watch', async () => {
    const script = startAround(staysUp)
    await script.printed('up')
    script.child.kill('SIGTERM')
    expect(await script.ended).toEqual({ code: null, signal: 'SIGTERM' })
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('asks a watching script to stop on %s', async (signal) => {
    const script = startAround(watching)
    await script.printed('up')
    script.child.kill(signal)
    await script.printed('stops 1 signals 0')
    expect(await script.ended).toEqual({ code: 0, signal: null })
  })

  it('adds no second signal to one that the whole group got', async () => {
    const script = startAround(watching, { isOwnGroup: true })
    await script.printed('up')
    process.kill(-(script.child.pid ?? 0), 'SIGINT')
    await script.printed('signals 1')
    expect((await script.ended).code).toBe(0)
  })

  // A script's output ends only when the last process that holds the pipe has ended, so `ended` means all of them.
  it('tells a watching script to stop when npm is gone', async () => {
    const npm = startScript(
      `import { spawn } from 'node:child_process'
       const args = ['--input-type=module', '--eval', ${JSON.stringify(bootstrapAround(watching))}]
       spawn(process.execPath, args, { stdio: 'inherit', env: { ...process.env, npm_lifecycle_event: 'start' } })`,
    )
    await npm.printed('up')
    npm.child.kill('SIGKILL')
    await npm.ended
    expect(npm.output()).toContain('stops 1 signals 0')
  })

  it('is missed by a watching script when it is killed', async () => {
    const script = startAround(watching)
    await script.printed('up')
    script.child.kill('SIGKILL')
    await script.ended
    expect(script.output()).toContain('stops 1 signals 0')
  })
})
