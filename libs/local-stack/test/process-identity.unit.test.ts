import { describe, expect, it } from '@jest/globals'
import { parseProcStat } from '../src/process-identity.ts'
import { formatWardenMessage, parseWardenMessage } from '../src/warden-protocol.ts'

const after = 'S 1 4242 4243 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200'

describe('reading /proc/<pid>/stat', () => {
  it('finds state, group, session and start', () => {
    expect(parseProcStat(`4242 (node) ${after}`)).toEqual({
      state: 'S',
      group: 4242,
      session: 4243,
      startTicks: '987654',
    })
  })

  it('is not confused by a name with spaces and parentheses', () => {
    expect(parseProcStat(`4242 (a) R 9 (b)) ${after}`)?.startTicks).toBe('987654')
  })

  it('refuses a line that is cut off', () => {
    expect(parseProcStat('4242 (node) S 1 4242')).toBeNull()
  })
})

describe('messages to the warden', () => {
  it('arrive as they were sent', () => {
    const message = { type: 'guard', leader: { pid: 7, startedAt: 'boot:1' } } as const
    expect(parseWardenMessage(formatWardenMessage(message))).toEqual(message)
  })

  it('are dropped when the sender was killed in the middle of one', () => {
    expect(parseWardenMessage('{"type":"guard","lea')).toBeNull()
  })
})
