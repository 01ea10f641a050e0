import type { Db } from 'mongodb'

export type ProfiledQuery = {
  /** `IXSCAN { … }` for the index it went by. */
  readonly plan: string
  readonly docsExamined: number
  readonly keysExamined: number
  readonly readConcern: string
}

type Command = { readonly readConcern?: { readonly level?: string } }

const readConcernOf = (command: Command | undefined): string => String(command?.readConcern?.level)

/** What the server did for `work`, by its own profiler. The database is the caller's alone. */
export const queriesDuring = async (db: Db, work: () => Promise<unknown>): Promise<ProfiledQuery[]> => {
  await db.command({ profile: 0 })
  await db.collection('system.profile').drop()
  await db.command({ profile: 2 })
  await work()
  await db.command({ profile: 0 })
  const entries = await db
    .collection('system.profile')
    .find({ op: { $in: ['query', 'command', 'getmore'] } })
    .toArray()
  return entries
    .filter(({ planSummary }) => planSummary !== undefined)
    .map((entry) => ({
      plan: String(entry['planSummary']),
      docsExamined: Number(entry['docsExamined']),
      keysExamined: Number(entry['keysExamined']),
      readConcern: readConcernOf(entry['command'] as Command | undefined),
    }))
}
