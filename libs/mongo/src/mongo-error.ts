import { MongoError, MongoServerError } from 'mongodb'
import { PlatformError } from '@millrace/runtime'

const DUPLICATE_KEY = 11000

export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY

const TRANSIENT_LABELS = [
  'TransientTransactionError',
  'UnknownTransactionCommitResult',
  'RetryableWriteError',
  'RetryableError',
  'ResetPool',
]
const TRANSIENT_NAMES = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoTopologyClosedError',
  'MongoNotConnectedError',
  'MongoExpiredSessionError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
])
/** Server codes that mean "not now": not primary, shutting down, interrupted, write concern timeout, no snapshot. */
const TRANSIENT_CODES = new Set([
  6, 7, 24, 50, 64, 89, 91, 112, 189, 202, 246, 251, 262, 9001, 10107, 11600, 11602, 13435, 13436,
])

export const isTransientMongoError = (error: unknown): boolean => {
  if (!(error instanceof MongoError)) return false
  if (TRANSIENT_NAMES.has(error.name)) return true
  if (TRANSIENT_LABELS.some((label) => error.hasErrorLabel(label))) return true
  return typeof error.code === 'number' && TRANSIENT_CODES.has(error.code)
}

/** Driver errors as PlatformErrors: an outage is retryable, anything else is a fault of ours or of the data. */
export const translateMongoError = (error: unknown): unknown => {
  if (!(error instanceof MongoError)) return error
  const retryable = isTransientMongoError(error)
  return new PlatformError({
    code: retryable ? 'MONGO_UNAVAILABLE' : 'MONGO_FAILED',
    message: `MongoDB: ${error.message}`,
    retryable,
    cause: error,
  })
}

/** Runs `work`; what the driver throws leaves as a PlatformError. */
export const translating = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw translateMongoError(error)
  }
}
