import { EventEmitter } from 'node:events'
import type { Request, Response } from 'express'
import { describe, expect, it } from '@jest/globals'
import { problems } from '../../src/http/problem.ts'
import { logRequests } from '../../src/http/request-log.ts'
import type { LogLevel } from '../../src/logger.ts'
import { createMetrics } from '../../src/metrics.ts'
import { recordingLogger } from '../log-lines.ts'
import { DEVELOPER } from './http-fixture.ts'

type Ending = {
  readonly status: number
  readonly writableFinished?: boolean
  readonly locals?: Readonly<Record<string, unknown>>
}

const linesOf = ({ status, writableFinished = true, locals = {} }: Ending, level: LogLevel = 'debug') => {
  const { logger, lines } = recordingLogger(level)
  const response = Object.assign(new EventEmitter(), {
    statusCode: status,
    writableFinished,
    locals: { requestId: 'r-1', ...locals },
  })
  const request = {
    method: 'POST',
    url: '/things/1?q=canary',
    headers: { authorization: 'Bearer canary' },
  }
  logRequests(logger, createMetrics('test'))(request as unknown as Request, response as unknown as Response)
  response.emit('close')
  return lines
}

describe('a request', () => {
  it.each([
    [200, 'debug', 'request answered'],
    [304, 'debug', 'request answered'],
    [400, 'info', 'request answered'],
    [429, 'info', 'request answered'],
    [500, 'error', 'request failed'],
    [503, 'warn', 'request could not be answered'],
  ])('of %s has one line, %s: %s', (status, level, msg) => {
    expect(linesOf({ status })).toMatchObject([{ level, msg, status }])
  })

  it('whose client is gone is no success', () => {
    expect(linesOf({ status: 200, writableFinished: false })).toMatchObject([{ level: 'info', status: 499 }])
  })

  it('says what it was and who asked, and nothing else of it', () => {
    const error = problems.notFound('there is no canary')
    const locals = { route: '/things/:id', principal: DEVELOPER, error }
    const [line = {}] = linesOf({ status: 404, locals })
    const { time: _, ...fields } = line
    expect(fields).toEqual({
      level: 'info',
      service: 'test',
      requestId: 'r-1',
      method: 'POST',
      route: '/things/:id',
      status: 404,
      durationMs: expect.any(Number),
      tenant: 'demo',
      principal: 'dev',
      problem: 'not-found',
      msg: 'request answered',
    })
  })

  it('of nobody known names nobody', () => {
    const [line = {}] = linesOf({ status: 401 })
    expect(line).toMatchObject({ route: 'unknown' })
    expect([line['tenant'], line['principal']]).toEqual([undefined, undefined])
  })

  it('that went well is left to the metrics by default', () => {
    expect(linesOf({ status: 200 }, 'info')).toEqual([])
    expect(linesOf({ status: 404 }, 'info')).toHaveLength(1)
  })
})
