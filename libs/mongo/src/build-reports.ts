import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { BuildReportDocument } from './documents.ts'
import { translating } from './mongo-error.ts'

/** What is known of a build: how it compared with another one, whether it is what the log says. */
export type BuildReport = Omit<BuildReportDocument, '_id'>

export type BuildReports = {
  put(report: BuildReport): Promise<void>
  get(build: string, kind: BuildReport['kind']): Promise<BuildReport | undefined>
  /** All of a build that is no longer there. */
  remove(build: string): Promise<void>
}

export const mongoBuildReports = (connection: MongoConnection): BuildReports => {
  const { buildReports } = collectionsOf(connection)
  return {
    put: (report) =>
      translating(async () => {
        const _id = `${report.build}/${report.kind}`
        await buildReports.replaceOne({ _id }, { ...report }, { upsert: true })
      }),
    get: (build, kind) =>
      translating(async () => {
        const found = await buildReports.findOne({ _id: `${build}/${kind}` })
        if (!found) return undefined
        const { _id: _, ...report } = found
        return report
      }),
    remove: (build) => translating(async () => void (await buildReports.deleteMany({ build }))),
  }
}
