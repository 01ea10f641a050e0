export type LocalStackErrorCode =
  | 'url-unreachable'
  | 'java-missing'
  | 'java-too-old'
  | 'maven-missing'
  | 'pip-missing'
  | 'library-missing'
  | 'platform-unsupported'
  | 'disk-full'
  | 'checksum-mismatch'
  | 'download-failed'
  | 'path-unsupported'
  | 'server-failed'
  | 'port-taken'
  | 'data-dir-in-use'
  | 'aborted'

type Details = { readonly nextStep: string; readonly cause?: unknown }

/** Names the cause and what to do next; both are in the message, because a person at a terminal reads it. */
export class LocalStackError extends Error {
  readonly code: LocalStackErrorCode
  readonly nextStep: string

  constructor(code: LocalStackErrorCode, message: string, details: Details) {
    super(`${message}\n${details.nextStep}`, { cause: details.cause })
    this.name = 'LocalStackError'
    this.code = code
    this.nextStep = details.nextStep
  }
}

export const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true

export const throwIfAborted = (signal: AbortSignal | undefined): void => {
  if (!isAborted(signal)) return
  throw new LocalStackError('aborted', 'The start of the local stack was cancelled.', {
    nextStep: 'Nothing is left running; start it again.',
    cause: signal?.reason,
  })
}
