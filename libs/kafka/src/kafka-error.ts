import { PlatformError, messageOf } from '@millrace/runtime'

// Of what a broker or kafkajs can answer, these stay as they are until somebody changes something.
const LASTING: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'KAFKA_MESSAGE_TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'KAFKA_MESSAGE_TOO_LARGE',
  INVALID_TOPIC_EXCEPTION: 'KAFKA_INVALID_TOPIC',
  INVALID_RECORD: 'KAFKA_INVALID_RECORD',
  INVALID_TIMESTAMP: 'KAFKA_INVALID_RECORD',
  INVALID_CONFIG: 'KAFKA_INVALID_TOPIC',
  INVALID_PARTITIONS: 'KAFKA_INVALID_TOPIC',
  INVALID_REPLICATION_FACTOR: 'KAFKA_INVALID_TOPIC',
  POLICY_VIOLATION: 'KAFKA_INVALID_TOPIC',
  TOPIC_AUTHORIZATION_FAILED: 'KAFKA_NOT_AUTHORIZED',
  GROUP_AUTHORIZATION_FAILED: 'KAFKA_NOT_AUTHORIZED',
  CLUSTER_AUTHORIZATION_FAILED: 'KAFKA_NOT_AUTHORIZED',
  SASL_AUTHENTICATION_FAILED: 'KAFKA_AUTHENTICATION_FAILED',
  KafkaJSSASLAuthenticationError: 'KAFKA_AUTHENTICATION_FAILED',
  KafkaJSUnsupportedMagicByteInMessageSet: 'KAFKA_UNSUPPORTED',
  KafkaJSServerDoesNotSupportApiKey: 'KAFKA_UNSUPPORTED',
  KafkaJSNotImplemented: 'KAFKA_UNSUPPORTED',
  KafkaJSInvariantViolation: 'KAFKA_CLIENT_BUG',
  TypeError: 'KAFKA_CLIENT_BUG',
  RangeError: 'KAFKA_CLIENT_BUG',
}

const PASSING: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'KAFKA_UNKNOWN_TOPIC',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'KAFKA_PRODUCER_STATE',
  DUPLICATE_SEQUENCE_NUMBER: 'KAFKA_PRODUCER_STATE',
  INVALID_PRODUCER_EPOCH: 'KAFKA_PRODUCER_STATE',
  PRODUCER_FENCED: 'KAFKA_PRODUCER_STATE',
  UNKNOWN_PRODUCER_ID: 'KAFKA_PRODUCER_STATE',
}

/** What a producer hears once another one has begun under its transactional id (47 and 90). */
const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])

/** Codes that kafkajs does not know; it only gives their number, in the text. */
const BY_UNKNOWN_CODE: Readonly<Record<string, string>> = { 'Unknown error code 90': 'PRODUCER_FENCED' }

const MAX_DEPTH = 8

type Fault = {
  readonly name?: unknown
  readonly message?: unknown
  readonly type?: unknown
  readonly cause?: unknown
  readonly errors?: unknown
}

const isFault = (value: unknown): value is Fault => typeof value === 'object' && value !== null

/** Names and protocol error types of an error, of its causes, and of what it gathers, outermost first. */
const namesOf = (error: unknown, depth = 0): string[] => {
  if (!isFault(error) || depth > MAX_DEPTH) return []
  const known = BY_UNKNOWN_CODE[String(error.message)]
  const own = [known, error.type, error.name].filter((name) => typeof name === 'string')
  const gathered: unknown[] = Array.isArray(error.errors) ? error.errors : []
  return [...own, ...[error.cause, ...gathered].flatMap((inner) => namesOf(inner, depth + 1))]
}

const firstCode = (names: readonly string[], codes: Readonly<Record<string, string>>): string | undefined =>
  names.map((name) => codes[name]).find((code) => code !== undefined)

/** True when the producer that got this error has been replaced by another one; it must not go on. */
export const isFenced = (error: unknown): boolean => namesOf(error).some((name) => FENCED.has(name))

/** True when the broker is only reading the state of its groups yet, as it does for a moment after it began. */
export const isGroupLoading = (error: unknown): boolean => namesOf(error).includes('GROUP_LOAD_IN_PROGRESS')

/** What kafkajs threw, as one of our codes. `doing` completes the sentence "could not …". */
export const toPlatformError = (error: unknown, doing: string): PlatformError => {
  if (error instanceof PlatformError) return error
  const names = namesOf(error)
  const lasting = firstCode(names, LASTING)
  const code = lasting ?? firstCode(names, PASSING) ?? 'KAFKA_UNAVAILABLE'
  const message = `Could not ${doing}: ${messageOf(error)}`
  return new PlatformError({ code, message, retryable: lasting === undefined, cause: error })
}
