import { describe, expect, it } from '@jest/globals'
import {
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import {
  isDuplicateKey,
  isTransientMongoError,
  translateMongoError,
  translating,
} from '../src/mongo-error.ts'

const server = (code: number, labels: string[] = []): MongoServerError =>
  new MongoServerError({ message: 'said no', code, errorLabels: labels })

const selection = (): MongoServerSelectionError => new MongoServerSelectionError('no primary', {} as never)

type BulkCause = ConstructorParameters<typeof MongoBulkWriteError>[0]
const bulk = (cause: BulkCause, writeConcernCode?: number): MongoBulkWriteError => {
  const result = {
    getWriteConcernError: () => (writeConcernCode === undefined ? undefined : { code: writeConcernCode }),
  }
  return new MongoBulkWriteError(cause, result as never)
}

/** What a socket says, not the driver. */
const socketError = (code: string): Error => Object.assign(new Error('the socket has ended'), { code })

describe('an outage', () => {
  it.each([
    ['a lost connection', new MongoNetworkError('reset')],
    ['a silent connection', new MongoNetworkTimeoutError('timed out')],
    ['no primary found', selection()],
    ['a primary that steps down', server(189)],
    ['a server that is no primary', server(10107)],
    ['a server that shuts down', server(11600)],
    ['a cursor lost with its server', server(43)],
    ['a majority that does not answer in time', server(64)],
    ['a write conflict', server(112, ['TransientTransactionError'])],
    ['a commit whose result is unknown', server(8000, ['UnknownTransactionCommitResult'])],
    ['a bulk write that found no primary', bulk(selection())],
    ['a bulk write whose connection was lost', bulk(new MongoNetworkError('reset'))],
    ['a connection that ended while a command was sent', socketError('ECONNRESET')],
    ['a bulk write whose connection ended while it was sent', bulk(socketError('EPIPE') as never)],
    ['a bulk write of which a primary that stepped down refused some', bulk({ message: 'no', code: 11602 })],
    [
      'duplicates in a bulk write whose majority did not answer',
      bulk({ message: 'E11000', code: 11000, writeErrors: [{ code: 11000 }] as never }, 64),
    ],
  ])('is retryable: %s', (_, error) => {
    expect(isTransientMongoError(error)).toBe(true)
    expect(translateMongoError(error)).toMatchObject({
      name: 'PlatformError',
      code: 'MONGO_UNAVAILABLE',
      retryable: true,
      cause: error,
    })
  })
})

describe('a fault of ours or of the data', () => {
  it.each([
    ['a duplicate key', server(11000)],
    ['a refused document', server(121)],
    ['an option that does not exist', new MongoInvalidArgumentError('no such option')],
    ['a bulk write of duplicates', bulk({ message: 'E11000', code: 11000, writeErrors: [] })],
  ])('is not retryable: %s', (_, error) => {
    expect(translateMongoError(error)).toMatchObject({ code: 'MONGO_FAILED', retryable: false })
  })

  it('is a document too large for the serializer', () => {
    const tooLarge = Object.assign(new RangeError('out of range'), { code: 'ERR_OUT_OF_RANGE' })
    expect(translateMongoError(tooLarge)).toMatchObject({ code: 'MONGO_FAILED', retryable: false })
  })

  it('that did not come from the driver passes as it is', async () => {
    const ours = new PlatformError({ code: 'REGISTRY_UNAVAILABLE', message: 'down', retryable: true })
    expect(translateMongoError(ours)).toBe(ours)
    await expect(translating(() => Promise.reject(ours))).rejects.toBe(ours)
    expect(isTransientMongoError(ours)).toBe(false)
  })
})

it('a duplicate key is known by its code, on one document or in a bulk', () => {
  expect(isDuplicateKey(server(11000))).toBe(true)
  expect(isDuplicateKey(server(112))).toBe(false)
  expect(isDuplicateKey(new MongoError('E11000 in the text only'))).toBe(false)
})
