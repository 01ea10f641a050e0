import { describe, expect, it } from '@jest/globals'
import { PlatformError } from '../src/platform-error.ts'
import { recordingLogger } from './log-lines.ts'

const linesOf = (fields: object) => {
  const { logger, lines } = recordingLogger()
  logger.info(fields, 'done')
  return lines
}

describe('a log line', () => {
  it('has level, service, time and message beside its fields', () => {
    expect(linesOf({ topic: 'orders', partition: 3 })).toEqual([
      {
        level: 'info',
        service: 'test',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        msg: 'done',
        topic: 'orders',
        partition: 3,
      },
    ])
  })

  it.each(['token', 'authorization', 'secret', 'TOKEN_SECRET', 'JWT_SECRET', 'DEV_TOKEN', 'MONGO_URL'])(
    'hides %s, also one level down',
    (name) => {
      const [line] = linesOf({ [name]: 'hunter2', inside: { [name]: 'hunter2', kept: 1 } })
      expect(line).toMatchObject({ [name]: '[redacted]', inside: { [name]: '[redacted]', kept: 1 } })
    },
  )

  it('of an error has its message, code and stack with the causes', () => {
    const cause = new Error('ECONNREFUSED')
    const err = new PlatformError({
      code: 'MONGO_UNAVAILABLE',
      message: 'no primary',
      retryable: true,
      cause,
    })
    const [line] = linesOf({ err })
    expect(line?.['err']).toMatchObject({
      message: expect.stringContaining('no primary'),
      code: 'MONGO_UNAVAILABLE',
      stack: expect.stringContaining('ECONNREFUSED'),
    })
  })

  it('of a child has the fields of its parent', () => {
    const { logger, lines } = recordingLogger()
    logger.child({ topic: 'orders' }).child({ partition: 3 }).warn({ lag: 1 }, 'behind')
    expect(lines).toMatchObject([{ level: 'warn', topic: 'orders', partition: 3, lag: 1, msg: 'behind' }])
  })

  it('below the level is not written', () => {
    const { logger, lines } = recordingLogger('warn')
    logger.info({}, 'quiet')
    logger.error({}, 'loud')
    expect(lines.map(({ msg }) => msg)).toEqual(['loud'])
  })
})
