import { ConfigError, EXIT_BAD_CONFIG } from '@millrace/runtime'

/** Documented in docs/cli.md. */
export const EXIT = { ok: 0, failure: 1, usage: 2, mismatch: 3, unavailable: 69, interrupted: 130 } as const

/** A failure whose message is all that the user needs; ends the command with `exitCode`. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failure) {
    super(message)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}

export const exitCodeOf = (error: unknown): number => {
  if (error instanceof CommandError) return error.exitCode
  return error instanceof ConfigError ? EXIT_BAD_CONFIG : EXIT.failure
}
