import { mongoBuildPointer, type BuildPointer } from './build-pointer.ts'
import { mongoBuildList, type BuildList } from './builds.ts'
import type { MongoConnection } from './connect-mongo.ts'

/** The builds of each projection, and which of them is read. */
export type BuildRegistry = BuildList & BuildPointer

export const mongoBuilds = (connection: MongoConnection): BuildRegistry => ({
  ...mongoBuildList(connection),
  ...mongoBuildPointer(connection),
})
