/** Data that does not fit its schema. A bug of the caller: nothing was written. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError'
  readonly retryable = false
  readonly code: 'invalid-data' | 'wrong-topic'
  /** Path of the offending field from the data's root, for example lines.0.quantity; empty for the data itself. */
  readonly path: string

  constructor(fault: { code: EncodeError['code']; path?: string; message: string }) {
    super(fault.message)
    this.code = fault.code
    this.path = fault.path ?? ''
  }
}

export type DecodeErrorCode =
  | 'bad-magic'
  | 'bad-header'
  | 'bad-key'
  | 'unknown-schema'
  | 'wrong-subject'
  | 'truncated'
  | 'trailing-bytes'
  | 'invalid'
  /** The store calls the event something else. */
  | 'other-type'
  /** An upcaster threw, or what it made does not fit the newer schema. */
  | 'upcast-failed'

/** A record that no retry can make readable: it is poison for its key. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
  readonly retryable = false
  readonly code: DecodeErrorCode
  /** The header at fault, when the code is bad-header. */
  readonly header: string | null

  constructor(fault: { code: DecodeErrorCode; message: string; header?: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause })
    this.code = fault.code
    this.header = fault.header ?? null
  }
}

/** The registry gave no usable answer: an outage, never poison. */
export class RegistryUnavailableError extends Error {
  override readonly name = 'RegistryUnavailableError'
  readonly code = 'registry-unavailable'
  readonly retryable = true
}

/** The registry understood and refused, for example for want of permission. */
export class RegistryRefusedError extends Error {
  override readonly name = 'RegistryRefusedError'
  readonly code = 'registry-refused'
  readonly retryable = false
}

export class SchemaNotRegisteredError extends Error {
  override readonly name = 'SchemaNotRegisteredError'
  readonly code = 'schema-not-registered'
  readonly retryable = false
  readonly subjects: readonly string[]

  constructor(subjects: readonly string[]) {
    super(`These schemas are not registered in this form: ${subjects.join(', ')}. Run \`millrace setup\`.`)
    this.subjects = subjects
  }
}

export class IncompatibleSchemaError extends Error {
  override readonly name = 'IncompatibleSchemaError'
  readonly code = 'incompatible-schema'
  readonly retryable = false
  readonly subject: string

  constructor(subject: string, reason: string) {
    super(`${subject}: the new schema is incompatible with a registered version: ${reason}`)
    this.subject = subject
  }
}
