import { afterEach, describe, expect, it } from '@jest/globals'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { superviseProcess, type ProcessExit, type ProcessSpec, type SupervisedProcess } from '../src/index.ts'
import { waitForLogLine } from '../src/log-file.ts'
import { eventually } from './eventually.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

const running: SupervisedProcess[] = []
const supervise = async (script: string, spec: Partial<ProcessSpec> = {}): Promise<SupervisedProcess> => {
  const supervised = await superviseProcess({
    name: 'the script',
    command: process.execPath,
    args: ['-e', script],
    backoff: { firstMs: 10, maxMs: 20 },
    ...spec,
  })
  running.push(supervised)
  return supervised
}
const STAY = 'console.log("up"); setInterval(() => {}, 1000)'

afterEach(async () => {
  await Promise.all(running.splice(0).map((supervised) => supervised.stop()))
})

describe('a supervised process', () => {
  it('is running once it is ready', async () => {
    const logFile = join(makeTemporaryDirectory(), 'log')
    const supervised = await supervise(STAY, {
      logFile,
      ready: ({ logStartByte, signal }) =>
        waitForLogLine({ file: logFile, fromByte: logStartByte, pattern: /up/, signal }),
    })
    expect(supervised.state()).toBe('running')
    expect(readFileSync(logFile, 'utf8')).toBe('up\n')
  })

  it('is started again after it was killed, and says so', async () => {
    const exits: ProcessExit[] = []
    const restarts: boolean[] = []
    const supervised = await supervise(STAY, {
      onExit: (exit) => exits.push(exit),
      onStarted: ({ isRestart }) => restarts.push(isRestart),
    })
    const killed = supervised.pid() ?? 0
    process.kill(killed, 'SIGKILL')
    await eventually(() => restarts.length === 2)
    expect(exits).toEqual([{ code: null, signal: 'SIGKILL', restartInMs: 10 }])
    expect(restarts).toEqual([false, true])
    expect(supervised.pid()).not.toBe(killed)
  })

  it('waits longer after each exit in a row', async () => {
    const delays: number[] = []
    await supervise('setTimeout(() => process.exit(1), 20)', {
      onExit: ({ restartInMs }) => delays.push(restartInMs),
    })
    await eventually(() => delays.length >= 3)
    expect(delays.slice(0, 3)).toEqual([10, 20, 20])
  })

  it('throws with its last lines when the first start fails', async () => {
    const failing = supervise('console.error("no such key"); process.exit(78)', {
      ready: () => new Promise(() => {}),
    })
    await expect(failing).rejects.toMatchObject({
      code: 'server-failed',
      message: expect.stringMatching(/the script did not start: it exited with code 78[^]*no such key/),
    })
  })

  it('is ended when it is not ready in time', async () => {
    const pidFile = join(makeTemporaryDirectory(), 'pid')
    const slow = supervise(`require('node:fs').writeFileSync('${pidFile}', String(process.pid)); ${STAY}`, {
      startTimeoutMs: 1_000,
      ready: () => new Promise(() => {}),
    })
    await expect(slow).rejects.toMatchObject({ code: 'server-failed' })
    expect(existsSync(pidFile)).toBe(true)
    expect(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0)).toThrow()
  })

  it('names a command that does not exist', async () => {
    const missing = supervise('', { command: 'no-such-command' })
    await expect(missing).rejects.toThrow(/no-such-command/)
  })

  it('is killed when it ignores SIGTERM for longer than the grace time', async () => {
    const supervised = await supervise(`process.on('SIGTERM', () => {}); ${STAY}`, { graceMs: 200 })
    await supervised.stop()
    expect(supervised.state()).toBe('stopped')
    expect(supervised.pid()).toBeNull()
  })

  it('does not start again while it waits and is stopped', async () => {
    const supervised = await supervise('process.exit(0)', { backoff: { firstMs: 60_000, maxMs: 60_000 } })
    await eventually(() => supervised.state() === 'waiting')
    await supervised.stop()
    expect(supervised.state()).toBe('stopped')
  })
})
