import type { ProcessIdentity } from './process-identity.ts'

/** One JSON line each on the warden's standard input. */
export type WardenMessage =
  | { readonly type: 'guard'; readonly leader: ProcessIdentity }
  | { readonly type: 'release'; readonly pid: number }

export const formatWardenMessage = (message: WardenMessage): string => `${JSON.stringify(message)}\n`

/** Null for a line that is cut off, as the last one of a killed parent may be. */
export const parseWardenMessage = (line: string): WardenMessage | null => {
  try {
    return JSON.parse(line) as WardenMessage
  } catch {
    return null
  }
}
