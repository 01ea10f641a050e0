import type { MongoConnection } from '@millrace/mongo'

type Database = MongoConnection['db']

/** An entry of MongoDB's profiler. */
export type Profiled = {
  readonly op?: string
  readonly planSummary?: string
  readonly docsExamined?: number
  readonly keysExamined?: number
  readonly command?: {
    readonly readConcern?: { readonly level?: string }
    readonly [member: string]: unknown
  }
}

/**
 * What the server was asked during `work`, by its own profiler, but for the pointer leases of read models, which are
 * renewed by the clock. The database is the caller's alone.
 */
export const profiledDuring = async (db: Database, work: () => Promise<unknown>): Promise<Profiled[]> => {
  await db.command({ profile: 0 })
  await db.collection('system.profile').drop()
  await db.command({ profile: 2 })
  await work()
  await db.command({ profile: 0 })
  return db
    .collection<Profiled>('system.profile')
    .find({ ns: { $not: /\.builds$/ } })
    .toArray()
}
