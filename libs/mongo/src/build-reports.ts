import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { BuildReportDocument } from './build-documents.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'

/** What is known of a build: how it compared with another one, whether it is what the log says. */
export type BuildReport = Omit<BuildReportDocument, '_id'>

export type BuildReports = {
  /** Puts it in the place of one that has ended, or was not renewed since. False while another one is running. */
  begin(report: BuildReport, abandonedBefore: Date): Promise<boolean>
  /** False when the place is no longer this run's: another one has begun, or the build is gone. */
  put(report: BuildReport): Promise<boolean>
  get(build: string, kind: BuildReport['kind']): Promise<BuildReport | undefined>
  /** All of a build that is no longer there. */
  remove(build: string): Promise<void>
}

const idOf = ({ build, kind }: Pick<BuildReport, 'build' | 'kind'>): string => `${build}/${kind}`

export const mongoBuildReports = (connection: MongoConnection): BuildReports => {
  const { buildReports } = collectionsOf(connection)
  return {
    begin: (report, abandonedBefore) =>
      translating(async () => {
        const isFree = { $or: [{ state: { $ne: 'running' as const } }, { beatAt: { $lt: abandonedBefore } }] }
        try {
          await buildReports.replaceOne({ _id: idOf(report), ...isFree }, { ...report }, { upsert: true })
          return true
        } catch (error) {
          if (isDuplicateKey(error)) return false
          throw error
        }
      }),
    put: (report) =>
      translating(async () => {
        const { matchedCount } = await buildReports.replaceOne(
          { _id: idOf(report), run: report.run },
          { ...report },
        )
        return matchedCount > 0
      }),
    get: (build, kind) =>
      translating(async () => {
        const found = await buildReports.findOne({ _id: idOf({ build, kind }) })
        if (!found) return undefined
        const { _id: _, ...report } = found
        return report
      }),
    remove: (build) => translating(async () => void (await buildReports.deleteMany({ build }))),
  }
}
