import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { createShutdown, type Shutdown } from '../src/shutdown.ts'
import { recordingLogger, type LogLine } from './log-lines.ts'

const EVENTS = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'] as const
type Listener = (...args: unknown[]) => void
const listenersNow = () =>
  EVENTS.map((event) => ({ event, all: process.listeners(event as 'SIGTERM') as Listener[] }))
let before: ReturnType<typeof listenersNow>
beforeEach(() => {
  before = listenersNow()
})
afterEach(() => {
  for (const [index, { event, all }] of listenersNow().entries()) {
    for (const listener of all) if (!before[index]?.all.includes(listener)) process.off(event, listener)
  }
})

type Watched = Shutdown & { exits: number[]; exited: Promise<number>; lines: LogLine[] }

const watched = (timeoutMs = 60_000): Watched => {
  const exits: number[] = []
  const exited = Promise.withResolvers<number>()
  const { logger, lines } = recordingLogger()
  const exit = (code: number): void => {
    exits.push(code)
    exited.resolve(code)
  }
  return { ...createShutdown({ logger, timeoutMs, exit }), exits, exited: exited.promise, lines }
}
const signal = (name: 'SIGTERM' | 'SIGINT'): boolean => process.emit(name, name)
const never = (): Promise<void> => Promise.withResolvers<void>().promise

describe('a shutdown', () => {
  it('undoes things in the reverse order of their beginning, one after the other', async () => {
    const shutdown = watched()
    const done: string[] = []
    for (const name of ['mongo', 'consumer', 'http']) {
      shutdown.onStop(name, async () => {
        done.push(`${name} begins`)
        await Promise.resolve()
        done.push(`${name} ends`)
      })
    }
    await shutdown.stop('enough')
    expect(done).toEqual(['http', 'consumer', 'mongo'].flatMap((name) => [`${name} begins`, `${name} ends`]))
    expect(shutdown.exits).toEqual([0])
  })

  it('goes on when a step fails, and says which', async () => {
    const shutdown = watched()
    const done: string[] = []
    shutdown.onStop('mongo', () => void done.push('mongo'))
    shutdown.onStop('http', () => Promise.reject(new Error('stuck')))
    shutdown.onStop('socket', () => {
      throw new Error('at once')
    })
    await shutdown.stop('enough')
    expect(done).toEqual(['mongo'])
    expect(shutdown.exits).toEqual([0])
    const failed = shutdown.lines.filter(({ msg }) => msg === 'shutdown step failed')
    expect(failed.map(({ step }) => step)).toEqual(['socket', 'http'])
  })

  it('happens once, however often it is asked for', async () => {
    const shutdown = watched()
    let steps = 0
    shutdown.onStop('mongo', () => void steps++)
    await Promise.all([shutdown.stop('one', 3), shutdown.stop('two', 0)])
    await shutdown.stop('three')
    expect([steps, shutdown.exits]).toEqual([1, [3]])
  })

  it('that is late ends the process with code 1', async () => {
    const shutdown = watched(10)
    shutdown.onStop('stuck', never)
    await shutdown.stop('enough')
    expect(shutdown.exits).toEqual([1])
    expect(shutdown.lines.at(-1)).toMatchObject({ level: 'error', timeoutMs: 10 })
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('begins at %s and ends with code 0', async (name) => {
    const shutdown = watched()
    let isStopped = false
    shutdown.onStop('mongo', () => {
      isStopped = true
    })
    signal(name)
    expect(await shutdown.exited).toBe(0)
    expect(isStopped).toBe(true)
  })

  it('ends at once with code 1 at a second signal', async () => {
    const shutdown = watched()
    const stuck = Promise.withResolvers<void>()
    shutdown.onStop('stuck', () => stuck.promise)
    signal('SIGTERM')
    expect(shutdown.exits).toEqual([])
    signal('SIGINT')
    expect(shutdown.exits).toEqual([1])
    stuck.resolve()
    await shutdown.stop('again')
  })

  it.each([
    ['an exception nobody caught', 'uncaughtException'],
    ['a rejection nobody handled', 'unhandledRejection'],
  ])('begins at %s and ends with code 1', async (_, event) => {
    const shutdown = watched()
    process.emit(event as 'uncaughtException', new Error('a bug'))
    expect(await shutdown.exited).toBe(1)
    expect(shutdown.lines[0]).toMatchObject({ level: 'error', err: { message: 'a bug' } })
  })
})
