import type { Db } from 'mongodb'
import { profiledDuring } from '../../../test/support/profiled-commands.ts'

export type ProfiledQuery = {
  /** `IXSCAN { … }` for the index it went by. */
  readonly plan: string
  readonly docsExamined: number
  readonly keysExamined: number
  readonly readConcern: string
}

/** What the server did for `work`, by its own profiler. The database is the caller's alone. */
export const queriesDuring = async (db: Db, work: () => Promise<unknown>): Promise<ProfiledQuery[]> =>
  (await profiledDuring(db, work))
    .filter(({ op = '', planSummary }) => ['query', 'command', 'getmore'].includes(op) && planSummary)
    .map(({ planSummary, docsExamined, keysExamined, command }) => ({
      plan: String(planSummary),
      docsExamined: Number(docsExamined),
      keysExamined: Number(keysExamined),
      readConcern: String(command?.readConcern?.level),
    }))
