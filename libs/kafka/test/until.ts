import { eventually } from '@millrace/testkit'

/** Resolves once `condition` holds. `what` is there for the reader and for the stack trace. */
export const until = async (what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> => {
  try {
    await eventually(condition, Boolean, { timeoutMs, everyMs: 10 })
  } catch (error) {
    throw new Error(`waited in vain until ${what}`, { cause: error })
  }
}
