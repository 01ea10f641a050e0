import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { PlatformError } from '@millrace/runtime'
import { isFenced, isGroupLoading, toPlatformError } from '../src/kafka-error.ts'

const load = createRequire(import.meta.url)
const { createErrorFromCode } = load('kafkajs/src/protocol/error.js') as {
  createErrorFromCode: (code: number) => Error
}

const protocolError = (type: string) => Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type })

describe('an error of kafkajs', () => {
  it.each([
    ['MESSAGE_TOO_LARGE', 'KAFKA_MESSAGE_TOO_LARGE', false],
    ['TOPIC_AUTHORIZATION_FAILED', 'KAFKA_NOT_AUTHORIZED', false],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'KAFKA_PRODUCER_STATE', true],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'KAFKA_UNKNOWN_TOPIC', true],
    ['NOT_ENOUGH_REPLICAS', 'KAFKA_UNAVAILABLE', true],
  ])('%s becomes %s, retryable %s', (type, code, retryable) => {
    const error = toPlatformError(protocolError(type), 'send')
    expect([error.code, error.retryable]).toEqual([code, retryable])
  })

  it('is recognised by what caused it', () => {
    const outer = new Error('gave up', { cause: protocolError('MESSAGE_TOO_LARGE') })
    const error = toPlatformError(outer, 'send to t/0')
    expect(error.code).toBe('KAFKA_MESSAGE_TOO_LARGE')
    expect(error.message).toBe('Could not send to t/0: gave up')
    expect(error.cause).toBe(outer)
  })

  it('is recognised among several', () => {
    const many = Object.assign(new Error('many'), { errors: [protocolError('INVALID_REPLICATION_FACTOR')] })
    expect(toPlatformError(many, 'create topics').code).toBe('KAFKA_INVALID_TOPIC')
  })

  it('stays what it is when it is ours already', () => {
    const ours = new PlatformError({ code: 'X', message: 'x', retryable: false })
    expect(toPlatformError(ours, 'send')).toBe(ours)
  })

  it.each([
    [47, 'INVALID_PRODUCER_EPOCH'],
    [90, 'PRODUCER_FENCED'],
  ])('with code %s, %s, says that the producer was fenced', (code) => {
    expect(isFenced(createErrorFromCode(code))).toBe(true)
    const wrapped = toPlatformError(createErrorFromCode(code), 'publish')
    expect([wrapped.code, isFenced(wrapped)]).toEqual(['KAFKA_PRODUCER_STATE', true])
  })

  it.each([6, 45, 48, 51, 59, 91, 190])('with code %s does not say so', (code) => {
    expect(isFenced(createErrorFromCode(code))).toBe(false)
  })

  it('tells a broker that still reads its groups from one that is in trouble', () => {
    expect([14, 15, 16, 25, 27].map((code) => isGroupLoading(createErrorFromCode(code)))).toEqual([
      true,
      ...[false, false, false, false],
    ])
  })
})
