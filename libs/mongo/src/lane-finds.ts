import { BY_LANES, BY_LARGE_BATCHES, LARGE_BATCH } from './asked-together.ts'
import { coalesce } from './coalesce.ts'
import type { TenantKey } from './tenant-data.ts'

type Documents = ReadonlyMap<string, Record<string, unknown>>

export type FindDocuments = (projection: string, keys: readonly TenantKey[]) => Promise<Documents>

type Wanted = { readonly projection: string; readonly keys: readonly TenantKey[] }

/**
 * What the lanes of a build look for at the same time is one query: with small batches it is queries that the database
 * is busy with, not documents.
 */
export const laneFinds = (find: FindDocuments): FindDocuments => {
  const findTogether = async (wanted: readonly Wanted[]): Promise<Documents[]> => {
    const builds = [...Map.groupBy(wanted, ({ projection }) => projection)]
    const queries = builds.map(async ([projection, ofBuild]): Promise<[string, Documents]> => [
      projection,
      await find(
        projection,
        ofBuild.flatMap(({ keys }) => keys),
      ),
    ])
    const found = new Map(await Promise.all(queries))
    return wanted.map(({ projection, keys }) => only(found.get(projection), keys))
  }
  const alone = coalesce({
    ...BY_LARGE_BATCHES,
    run: (wanted: readonly Wanted[]) =>
      Promise.all(wanted.map(({ projection, keys }) => find(projection, keys))),
  })
  const together = coalesce({ ...BY_LANES, run: findTogether })
  return async (projection, keys) => {
    if (keys.length === 0) return new Map()
    return (keys.length < LARGE_BATCH ? together : alone)({ projection, keys })
  }
}

const only = (documents: Documents | undefined, keys: readonly TenantKey[]): Documents =>
  new Map(
    keys.flatMap(({ id }): [string, Record<string, unknown>][] => {
      const document = documents?.get(id)
      return document ? [[id, document]] : []
    }),
  )
