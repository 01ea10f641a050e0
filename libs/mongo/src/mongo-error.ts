import {
  BSON,
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoServerError,
  type WriteError,
} from 'mongodb'
import { messageOf, PlatformError } from '@millrace/runtime'

export const DUPLICATE_KEY = 11000

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY

const NAMESPACE_NOT_FOUND = 26

export const isNoSuchCollection = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND

const WRITE_CONFLICT = 112

/** Another transaction has, or had, written what this one wants to. */
export const isWriteConflict = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === WRITE_CONFLICT

const MAX_TIME_EXPIRED = 50

/** It took longer than its caller allowed. */
export const isOutOfTime = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED

const TRANSIENT_LABELS = [
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableWriteError',
  'RetryableError',
  'ResetPool',
]
const TRANSIENT_NAMES = new Set([
  'MongoServerSelectionError',
  'MongoTopologyClosedError',
  'MongoClientClosedError',
  'MongoNotConnectedError',
  'MongoExpiredSessionError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
])
/**
 * Server codes that mean "not now": not primary, no node to read from, shutting down, interrupted, cursor lost,
 * write concern timeout, no snapshot, transaction too old.
 */
const TRANSIENT_CODES = new Set<unknown>([
  6, 7, 24, 43, 50, 64, 89, 91, 112, 133, 134, 189, 202, 237, 239, 246, 251, 262, 290, 9001, 10107, 11600,
  11601, 11602, 13435, 13436,
])

/** Node's codes of a connection that ended: https://nodejs.org/api/errors.html#common-system-errors */
const CONNECTION_CODES = new Set<unknown>([
  'EPIPE',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
])

/** The driver passes on what the socket says while it waits to write: in a bulk write's error, or just as it is. */
const isConnectionError = (error: unknown): boolean => CONNECTION_CODES.has(codeOf(error))

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined

export const isTransientMongoError = (error: unknown): boolean => {
  if (isConnectionError(error)) return true
  if (!(error instanceof MongoError)) return false
  if (error instanceof MongoNetworkError || TRANSIENT_NAMES.has(error.name)) return true
  if (TRANSIENT_LABELS.some((label) => error.hasErrorLabel(label))) return true
  if (TRANSIENT_CODES.has(error.code)) return true
  return error instanceof MongoBulkWriteError && isTransientBulkError(error)
}

/** A bulk write has its own name and the code of one document; why it failed as a whole is inside. */
const isTransientBulkError = (error: MongoBulkWriteError): boolean => {
  const faults: readonly WriteError[] = [error.writeErrors].flat()
  const codes = [error.result.getWriteConcernError()?.code, ...faults.map(({ code }) => code)]
  return codes.some((code) => TRANSIENT_CODES.has(code)) || isTransientMongoError(error.errorResponse)
}

/** The serializer's own errors, for what cannot be BSON; its buffer ends at 17 MiB. */
const isUnserializable = (error: unknown): boolean =>
  error instanceof BSON.BSONError || codeOf(error) === 'ERR_OUT_OF_RANGE'

const isDriverError = (error: unknown): boolean =>
  error instanceof MongoError || isUnserializable(error) || isConnectionError(error)

/** Driver errors as PlatformErrors: an outage is retryable, anything else is a fault of ours or of the data. */
export const translateMongoError = (error: unknown): unknown => {
  if (!isDriverError(error)) return error
  const retryable = isTransientMongoError(error)
  return new PlatformError({
    code: retryable ? 'MONGO_UNAVAILABLE' : 'MONGO_FAILED',
    message: `MongoDB: ${messageOf(error)}`,
    retryable,
    cause: error,
  })
}

/**
 * Server codes that are about one document and will never be otherwise: bad value, unsupported field name, key too
 * long, document too large, fails validation, duplicate key, cannot be indexed.
 */
const REFUSAL_CODES = new Set<unknown>([2, 55, 57, 67, 121, 171, 10334, 11000, 17280, 17419, 17420])

const isTooLargeToSend = (error: unknown): boolean =>
  error instanceof MongoInvalidArgumentError && error.message.includes('larger than')

/** Whether writing documents failed because of what is in one of them, so that a retry cannot help. */
export const isDocumentRefusal = (error: unknown): boolean => {
  if (isTransientMongoError(error)) return false
  return isUnserializable(error) || isTooLargeToSend(error) || REFUSAL_CODES.has(codeOf(error))
}

/** MongoDB will never take one of the documents that were to be written; none of them was. */
export class DocumentRefusedError extends PlatformError {
  constructor(cause: unknown) {
    super({ code: 'DOCUMENT_REFUSED', message: `MongoDB: ${messageOf(cause)}`, retryable: false, cause })
    this.name = 'DocumentRefusedError'
  }
}

/** Runs `work`; what the driver throws leaves as a PlatformError. */
export const translating = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw translateMongoError(error)
  }
}
