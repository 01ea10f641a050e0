import { describe, expect, it } from '@jest/globals'
import { parseStat } from '../src/agent/process-table.ts'

/** As the kernel writes it: utime 7, stime 5, starttime 1234, rss 99. */
const statOf = (comm: string, flags = 4_194_560): string =>
  `4711 (${comm}) S 1 4711 4711 0 -1 ${flags} 100 0 0 0 7 5 3 2 20 0 1 0 1234 10000000 99 18446744073709551615 1 1 0\n`

describe('/proc/<pid>/stat', () => {
  it.each([
    'node',
    'kworker/0:1-events',
    '(sd-pam)',
    'a) S 1 (b',
    'with space',
    ')',
    '',
    'tmux: server',
    'x\ny',
  ])('is understood for a process called %j', (comm) => {
    expect(parseStat(statOf(comm))).toEqual({
      pid: 4711,
      comm,
      isKernelThread: false,
      cpuTicks: 12,
      startTicks: 1234,
      rssPages: 99,
    })
  })

  it('tells the threads of the kernel', () => {
    expect(parseStat(statOf('kworker/0:1-events', 69_238_880))).toMatchObject({ isKernelThread: true })
  })

  it.each(['', '4711', '4711 (node', '4711 (node) S 1 2 3', ')(', 'x (node) S 1 4711'])(
    '%j is none',
    (text) => {
      expect(parseStat(text)).toBeUndefined()
    },
  )
})
