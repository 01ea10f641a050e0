import { afterEach, describe, expect, it } from '@jest/globals'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { existsSync, readFileSync } from 'node:fs'
import { identifyProcess, startWarden } from '../src/index.ts'
import { endProcessGroup } from '../src/end-process-group.ts'
import { eventually } from './eventually.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

const started: ChildProcess[] = []
const startSleeper = (): { child: ChildProcess; pid: number } => {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  started.push(child)
  return { child, pid: child.pid ?? 0 }
}
/** Pids of the wardens that this process has. */
const wardens = (): number[] => {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
  return children.trim().split(' ').filter(Boolean).map(Number).filter(isWarden)
}
const isWarden = (pid: number): boolean => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('warden.ts')
  } catch {
    return false
  }
}
const runs = (pid: number): boolean => identifyProcess(pid) !== null

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

describe('the warden', () => {
  it('ends what is guarded when it is closed, and nothing that was released', async () => {
    const [guarded, released] = [startSleeper(), startSleeper()]
    const warden = startWarden()
    warden.guard(guarded.pid)
    warden.guard(released.pid)
    warden.release(released.pid)
    await warden.close()
    expect(runs(guarded.pid)).toBe(false)
    expect(runs(released.pid)).toBe(true)
  })

  it('removes the directory it was given, at the end', async () => {
    const directory = makeTemporaryDirectory()
    await startWarden({ removeAtEnd: directory }).close()
    expect(existsSync(directory)).toBe(false)
  })

  it('is replaced when it is killed, and still ends what was guarded', async () => {
    const before = new Set(wardens())
    const warden = startWarden()
    const { pid } = startSleeper()
    warden.guard(pid)
    const [killed = 0] = wardens().filter((id) => !before.has(id))
    process.kill(killed, 'SIGKILL')
    await eventually(() => wardens().some((id) => !before.has(id) && id !== killed))
    await warden.close()
    expect(runs(pid)).toBe(false)
  })

  it('does not touch a process that got the pid of one that is gone', async () => {
    const { pid } = startSleeper()
    await endProcessGroup({ pid, startedAt: 'another boot:1' }, 0)
    expect(runs(pid)).toBe(true)
  })

  it('ends grandchildren, and a child that ignores SIGTERM, when the parent is killed', async () => {
    const fixture = new URL('./fixtures/supervise-sleepers.ts', import.meta.url).pathname
    const parent = spawn(process.execPath, ['--conditions=source', fixture], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    started.push(parent)
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const pids = JSON.parse(line) as number[]
    expect(pids.map(runs)).toEqual([true, true])
    parent.kill('SIGKILL')
    await eventually(() => !pids.some(runs))
  })
})
