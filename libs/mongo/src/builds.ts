// Which builds of a projection there are. A build is the data that one version of the code has made from offset 0 on:
// `v1`, and `v1.1` when the same version was built again. All builds in the list are fed; exactly one is served
// (build-pointer.ts), and the one that was served before it stays in the list as the way back, until it is dropped or
// another switch makes a way back of its own. What leaves the list is remembered as retired until its data is gone.

import type { ClientSession, Document } from 'mongodb'
import { PlatformError } from '@millrace/runtime'
import { readModelToDrop } from './across-tenants.ts'
import type { BuildsDocument, RetiredBuild, StoredBuild } from './build-documents.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { translating } from './mongo-error.ts'

export type Build = StoredBuild

/** Of one projection. */
export type Builds = {
  readonly projection: string
  /** What readers get. */
  readonly served: string
  /** What they got before; null when there is no way back. */
  readonly previous: string | null
  /** Switched to as soon as all leases have ended. */
  readonly switchingTo: string | null
  /** Nothing is fed meanwhile. */
  readonly isPaused: boolean
  /** All of them are fed. */
  readonly builds: readonly Build[]
  /** No longer in the list; their data is to be deleted. */
  readonly retired: readonly RetiredBuild[]
}

export type BuildList = {
  /** Makes `version` the served build of a projection that has none; gives what there is. */
  register(projection: string, version: string): Promise<Builds>
  read(projection: string): Promise<Builds | undefined>
  all(): Promise<Builds[]>
  /**
   * A new build beside the served one. Throws BUILD_UNDER_WAY while there is another that was never served; but one of the
   * same version that is to be served is that other one.
   */
  start(projection: string, version: string, more?: Pick<Build, 'isToBeServed'>): Promise<Build>
  setPaused(projection: string, isPaused: boolean): Promise<void>
  /** Takes it out of the list, so that it is no longer fed. Throws BUILD_SERVED for the one that is read. */
  retire(projection: string, build: string): Promise<void>
  /** Deletes documents, checkpoints and what is parked or late of a build that is no longer in the list. */
  deleteData(projection: string, build: string): Promise<void>
  /** Nothing is left of it, and nothing will be: it is retired no more. */
  forget(projection: string, build: string): Promise<void>
}

/** Name of a build's data: its collection, checkpoints and consumer group carry it. */
export const buildName = (projection: string, build: string): string => `${projection}.${build}`

type At = { readonly collections: Collections; readonly session: ClientSession }

export const mongoBuildList = (connection: MongoConnection): BuildList => {
  const collections = collectionsOf(connection)
  const within = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ collections, session })))
  return {
    register: (projection, version) => within((at) => register(at, projection, version)),
    read: (projection) => within((at) => read(at, projection)),
    all: () =>
      within(async ({ session }) =>
        (await collections.builds.find({}, { session }).sort({ _id: 1 }).toArray()).map(toBuilds),
      ),
    start: (projection, version, more = {}) => within((at) => start(at, projection, { version, ...more })),
    setPaused: (projection, isPaused) =>
      within(async (at) => {
        await readKnown(at, projection)
        await collections.builds.updateOne(
          { _id: projection },
          { $set: { isPaused } },
          { session: at.session },
        )
      }),
    retire: (projection, build) => within((at) => retire(at, projection, build)),
    deleteData: (projection, build) =>
      within(({ session }) => deleteData({ collections, session }, buildName(projection, build))),
    forget: (projection, name) =>
      within(async ({ session }) => {
        const change = { $pull: { retired: { name } } }
        await collections.builds.updateOne({ _id: projection }, change, { session })
      }),
  }
}

const toBuilds = ({
  _id: projection,
  leasedUntil: _leasedUntil,
  counts: _counts,
  retired = [],
  ...builds
}: BuildsDocument): Builds => ({ projection, ...builds, retired })

const read = async ({ collections, session }: At, projection: string): Promise<Builds | undefined> => {
  const found = await collections.builds.findOne({ _id: projection }, { session })
  return found ? toBuilds(found) : undefined
}

/** Throws BUILD_UNKNOWN for a projection that was never registered. */
export const readKnown = async (at: At, projection: string): Promise<Builds> => {
  const found = await read(at, projection)
  if (found) return found
  throw noProjection(projection)
}

const noProjection = (projection: string): PlatformError =>
  buildUnknown(`there is no projection ${JSON.stringify(projection)} in this store`)

export const buildUnknown = (message: string): PlatformError =>
  new PlatformError({ code: 'BUILD_UNKNOWN', message, retryable: false })

const register = async (at: At, projection: string, version: string): Promise<Builds> => {
  const { collections, session } = at
  const first: Omit<BuildsDocument, '_id'> = {
    served: version,
    previous: null,
    switchingTo: null,
    isPaused: false,
    leasedUntil: new Date(0),
    builds: [{ name: version, version, startedAt: new Date() }],
    counts: { [version]: 1 },
  }
  await collections.builds.updateOne({ _id: projection }, { $setOnInsert: first }, { upsert: true, session })
  return readKnown(at, projection)
}

const start = async (
  at: At,
  projection: string,
  given: Omit<Build, 'name' | 'startedAt'>,
): Promise<Build> => {
  const { version } = given
  const { collections, session } = at
  const found = await collections.builds.findOne({ _id: projection }, { session })
  if (!found) throw noProjection(projection)
  const { builds, served, previous, counts } = found
  const other = builds.find(({ name }) => name !== served && name !== previous)
  if (other && given.isToBeServed && other.version === version) return toBeServed(at, projection, other)
  if (other) throw underWay(projection, other.name)
  const count = counts[version] ?? 0
  const build: Build = {
    ...given,
    name: count === 0 ? version : `${version}.${count}`,
    startedAt: new Date(),
  }
  const { matchedCount } = await collections.builds.updateOne(
    // The counts too: a build may have come and gone since, and had the name.
    { _id: projection, builds, counts },
    { $push: { builds: build }, $set: { [`counts.${version}`]: count + 1 } },
    { session },
  )
  if (matchedCount === 0) throw underWay(projection, 'by somebody else')
  return build
}

const toBeServed = async ({ collections, session }: At, projection: string, build: Build): Promise<Build> => {
  const { matchedCount } = await collections.builds.updateOne(
    { _id: projection, 'builds.name': build.name },
    { $set: { 'builds.$.isToBeServed': true } },
    { session },
  )
  if (matchedCount === 0) throw underWay(projection, 'by somebody else')
  return { ...build, isToBeServed: true }
}

const underWay = (projection: string, build: string): PlatformError =>
  new PlatformError({
    code: 'BUILD_UNDER_WAY',
    message: `${projection} is being built already (${build}): switch to it or drop it first`,
    retryable: false,
  })

/** Those of the document, in a pipeline. */
export const RETIRED: Document = { $ifNull: ['$retired', []] }

/** And one more, whose name is an expression. */
export const retiredWith = (name: unknown): Document => ({
  $concatArrays: [RETIRED, [{ name, at: '$$NOW' }]],
})

const retire = async (at: At, projection: string, build: string): Promise<void> => {
  const { collections, session } = at
  const name = { $literal: build }
  const { matchedCount } = await collections.builds.updateOne(
    { _id: projection, served: { $ne: build }, switchingTo: { $ne: build } },
    [
      {
        $set: {
          builds: { $filter: { input: '$builds', cond: { $ne: ['$$this.name', name] } } },
          previous: { $cond: [{ $eq: ['$previous', name] }, null, '$previous'] },
          retired: { $cond: [{ $in: [name, '$builds.name'] }, retiredWith(name), RETIRED] },
        },
      },
    ],
    { session },
  )
  if (matchedCount > 0) return
  await readKnown(at, projection)
  throw new PlatformError({
    code: 'BUILD_SERVED',
    message: `${buildName(projection, build)} is what readers get: switch to another build first`,
    retryable: false,
  })
}

const deleteData = async ({ collections, session }: At, name: string): Promise<void> => {
  await collections.checkpoints.deleteMany({ '_id.projection': name }, { session })
  await collections.parkedEvents.deleteMany({ projection: name }, { session })
  await collections.lateEvents.deleteMany({ projection: name }, { session })
  await readModelToDrop(collections, name).drop({ session })
}
