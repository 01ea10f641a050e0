import { describe, expect, it } from '@jest/globals'
import { heartbeatBody } from '@millrace/domain'
import { makeHeartbeats, mapName } from '../src/agent/heartbeats.ts'
import type { ProcessStat } from '../src/agent/process-table.ts'

const UNITS = { bootTimeMs: 1_000_000, ticksPerSecond: 100, pageBytes: 4096 }

const stat = (more: Partial<ProcessStat> = {}): ProcessStat => ({
  pid: 1,
  comm: 'node',
  isKernelThread: false,
  cpuTicks: 0,
  startTicks: 500,
  rssPages: 2,
  ...more,
})

// Started five seconds after boot.
const STARTED_AT_MS = 1_005_000

describe('names', () => {
  it.each([
    ['node', 'node'],
    ['kworker/0:1-events', 'kworker_0_1-events'],
    ['systemd@1.service', 'systemd@1.service'],
    ['(sd-pam)', '_sd-pam_'],
    ['tmux: server', 'tmux__server'],
    ['ключ', '____'],
    ['a\u0000b', 'a_b'],
    ['\ud800', '_'],
    ['', '_'],
    ['x'.repeat(100), 'x'.repeat(64)],
  ])('%j is known as %s', (name, mapped) => {
    expect(mapName(name)).toBe(mapped)
  })
})

describe('heartbeats', () => {
  it('are what command-api takes', () => {
    const [heartbeat] = makeHeartbeats('m-1', UNITS)([stat({ comm: '(x: y)' })], STARTED_AT_MS + 1)
    expect(heartbeatBody.parse(heartbeat)).toEqual({
      host: 'm-1',
      name: '_x__y_',
      pid: 1,
      startedAt: STARTED_AT_MS,
      at: STARTED_AT_MS + 1,
      beat: 1,
      cpu: 0,
      rss: 8192,
    })
  })

  it('count up for each process by itself', () => {
    const beatsOf = makeHeartbeats('m-1', UNITS)
    const beats = (pids: readonly number[], atMs: number) =>
      beatsOf(
        pids.map((pid) => stat({ pid })),
        atMs,
      ).map(({ pid, beat }) => [pid, beat])
    expect(beats([1], STARTED_AT_MS + 1_000)).toEqual([[1, 1]])
    expect(beats([1, 2], STARTED_AT_MS + 2_000)).toEqual([
      [1, 2],
      [2, 1],
    ])
    expect(beats([2], STARTED_AT_MS + 3_000)).toEqual([[2, 2]])
    // Gone and back under the same start time: seen anew.
    expect(beats([1], STARTED_AT_MS + 4_000)).toEqual([[1, 1]])
  })

  it('begin anew for another process with the same pid', () => {
    const beatsOf = makeHeartbeats('m-1', UNITS)
    beatsOf([stat({ cpuTicks: 1_000 })], STARTED_AT_MS + 20_000)
    const [second] = beatsOf([stat({ startTicks: 3_000, cpuTicks: 1 })], STARTED_AT_MS + 26_000)
    expect(second).toMatchObject({ beat: 1, startedAt: 1_030_000, cpu: 1 })
  })

  it('have the share of one core since the last beat, since the start for the first', () => {
    const beatsOf = makeHeartbeats('m-1', UNITS)
    const cpu = (cpuTicks: number, afterMs: number) =>
      beatsOf([stat({ cpuTicks })], STARTED_AT_MS + afterMs)[0]?.cpu
    expect(cpu(100, 10_000)).toBe(10)
    expect(cpu(150, 12_000)).toBe(25)
    expect(cpu(150, 14_000)).toBe(0)
    // Four threads at full speed, and a third of a per mille.
    expect(cpu(950, 16_000)).toBe(400)
    expect(cpu(951, 46_000)).toBe(0.03)
  })

  it('never have less than nothing: clocks are set back and counters start again', () => {
    const beatsOf = makeHeartbeats('m-1', UNITS)
    expect(beatsOf([stat({ cpuTicks: 100 })], STARTED_AT_MS)[0]?.cpu).toBe(0)
    expect(beatsOf([stat({ cpuTicks: 200 })], STARTED_AT_MS - 1_000)[0]?.cpu).toBe(0)
    expect(beatsOf([stat({ cpuTicks: 50 })], STARTED_AT_MS + 1_000)[0]?.cpu).toBe(0)
  })
})
