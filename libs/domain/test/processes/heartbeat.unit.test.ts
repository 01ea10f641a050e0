import { describe, expect, it } from '@jest/globals'
import { heartbeatBody, heartbeatReceived, processKeyOf, processStreamOf } from '@millrace/domain'
import { heartbeat } from '@millrace/testkit'
import { testBodies } from '../test-bodies.ts'

const { data: body } = heartbeat()

describe('a heartbeat', () => {
  testBodies(heartbeatBody, {
    accepts: {
      'a process': body,
      'a name with spaces, slashes and colons': { ...body, name: '(kworker/0:1 Web Content)' },
      'more than one core': { ...body, cpu: 799.5 },
      'a process that has just started': { ...body, beat: 0, cpu: 0, rss: 0 },
      'the last millisecond of the year 9999': { ...body, at: 253_402_300_799_999 },
    },
    rejects: {
      'an unknown field': { ...body, status: 'alive' },
      'a missing field': { ...body, rss: undefined },
      'a host with a colon': { ...body, host: 'm:1' },
      'an empty name': { ...body, name: '' },
      'a name of 201 characters': { ...body, name: 'n'.repeat(201) },
      'a negative pid': { ...body, pid: -1 },
      'a pid as text': { ...body, pid: '1' },
      'a time that RFC 3339 cannot write': { ...body, at: 253_402_300_800_000 },
      'a time before 1970': { ...body, startedAt: -1 },
      'no number for cpu': { ...body, cpu: Number.NaN },
      'an endless cpu': { ...body, cpu: Number.POSITIVE_INFINITY },
    },
  })

  it('becomes an event with the same fields', () => expect(heartbeatReceived(body)).toEqual(heartbeat()))
})

describe('a process', () => {
  it('is known by host, name and pid', () => {
    expect(processKeyOf({ host: 'm-1', name: 'node', pid: 7 })).toBe('m-1:node:7')
    expect(processStreamOf({ host: 'm-1', name: 'node', pid: 7 })).toBe('processes.process-m-1:node:7')
  })
})
