import { access, constants, mkdir } from 'node:fs/promises'
import { reasonOf } from './error-code.ts'
import { LocalStackError } from './local-stack-error.ts'

/** Makes the directory if need be; `setting` is what a person changes to use another one. */
export const makeWritable = async (directory: string, setting: string): Promise<void> => {
  try {
    await mkdir(directory, { recursive: true })
    await access(directory, constants.W_OK)
  } catch (cause) {
    const reason = reasonOf(cause)
    throw new LocalStackError('path-unsupported', `${directory} cannot be written to: ${reason}.`, {
      nextStep: `Change its rights, or choose another directory (${setting}).`,
      cause,
    })
  }
}
