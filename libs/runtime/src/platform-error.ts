/** A failure of something we depend on, or of our own promises; never a business "no" and never HTTP. */
export class PlatformError extends Error {
  /** Stable, upper-case, listed in docs/errors.md. */
  readonly code: string
  /** True when the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean

  constructor(fault: { code: string; message: string; retryable: boolean; cause?: unknown }) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause })
    this.name = 'PlatformError'
    this.code = fault.code
    this.retryable = fault.retryable
  }
}

/** True for any error that says so itself, also those of libraries that do not know this class. */
export const isRetryable = (error: unknown): boolean =>
  error instanceof Error && 'retryable' in error && error.retryable === true

/** What to log of anything that was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
