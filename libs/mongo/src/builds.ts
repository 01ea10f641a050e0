// Which builds of a projection there are, and which one is read. A build is the data that one version of the code has
// made from offset 0 on: `v1`, and `v1.1` when the same version was built again. All builds in the list are fed;
// exactly one is served, and the one that was served before it stays in the list as the way back, until it is dropped or
// another switch makes a way back of its own. What leaves the list is remembered as retired until its data is gone.
//
// Readers hold the pointer under a lease of a second: taking one pushes `leasedUntil` ahead, by the server's clock, and
// a reader believes it for a little less than that, from before it asked. A switch first says where it goes: from then
// on no lease is given. When the last one has ended, whoever comes next, the switcher or a reader that waits, makes it
// take effect. So there is no moment in which one reader may answer from the old build and another from the new one,
// and a switcher that dies on the way blocks nobody.

import type { ClientSession, Document } from 'mongodb'
import { pause, PlatformError } from '@millrace/runtime'
import { readModelToDrop } from './across-tenants.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { BuildsDocument, RetiredBuild, StoredBuild } from './build-documents.ts'
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

/** The served build, for as long as `isValid` says so. */
export type PointerLease = {
  readonly served: string
  /** Of its code. */
  readonly version: string
  isValid(): boolean
}

export type BuildRegistry = {
  /** Makes `version` the served build of a projection that has none; gives what there is. */
  register(projection: string, version: string): Promise<Builds>
  read(projection: string): Promise<Builds | undefined>
  all(): Promise<Builds[]>
  /** A new build beside the served one. Throws BUILD_UNDER_WAY while there is another that was never served. */
  start(projection: string, version: string, more?: Pick<Build, 'isToBeServed'>): Promise<Build>
  /** Waits for the end of a switch that is under way. */
  lease(projection: string): Promise<PointerLease>
  /**
   * Resolves when no reader gets the old build any more. Throws BUILD_UNKNOWN for one that is not in the list, and
   * BUILD_SWITCHING when somebody else is switching, or has switched away from `from`.
   */
  switchTo(projection: string, build: string, from?: string): Promise<void>
  setPaused(projection: string, isPaused: boolean): Promise<void>
  /** Takes it out of the list, so that it is no longer fed. Throws BUILD_SERVED for the one that is read. */
  retire(projection: string, build: string): Promise<void>
  /** Deletes documents, checkpoints and what is parked or late of a build that is no longer in the list. */
  deleteData(projection: string, build: string): Promise<void>
  /** Nothing is left of it, and nothing will be: it is retired no more. */
  forget(projection: string, build: string): Promise<void>
}

export const LEASE_MS = 1_000
/** Clocks may run apart by so much of a lease. */
const LEASE_MARGIN_MS = 50
const POLL_MS = 20

/** Name of a build's data: its collection, checkpoints and consumer group carry it. */
export const buildName = (projection: string, build: string): string => `${projection}.${build}`

type At = { readonly collections: Collections; readonly session: ClientSession }

export const mongoBuilds = (connection: MongoConnection): BuildRegistry => {
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
    lease: async (projection) => {
      for (;;) {
        const lease = await within((at) => tryLease(at, projection))
        if (lease) return lease
        await pause(POLL_MS)
      }
    },
    switchTo: async (projection, build, from) => {
      await within((at) => beginSwitch(at, projection, { build, from }))
      while (!(await within((at) => endSwitch(at, projection)))) await pause(POLL_MS)
    },
    setPaused: (projection, isPaused) =>
      within(async (at) => {
        await known(at, projection)
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

const known = async (at: At, projection: string): Promise<Builds> => {
  const found = await read(at, projection)
  if (found) return found
  throw unknown(`there is no projection ${JSON.stringify(projection)} in this store`)
}

const unknown = (message: string): PlatformError =>
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
  return known(at, projection)
}

const start = async (
  at: At,
  projection: string,
  given: Omit<Build, 'name' | 'startedAt'>,
): Promise<Build> => {
  const { version } = given
  const { collections, session } = at
  const found = await collections.builds.findOne({ _id: projection }, { session })
  if (!found) throw unknown(`there is no projection ${JSON.stringify(projection)} in this store`)
  const { builds, served, previous, counts } = found
  const other = builds.find(({ name }) => name !== served && name !== previous)
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

const underWay = (projection: string, build: string): PlatformError =>
  new PlatformError({
    code: 'BUILD_UNDER_WAY',
    message: `${projection} is being built already (${build}): switch to it or drop it first`,
    retryable: false,
  })

const servedIn = ({ served, builds }: BuildsDocument): Omit<PointerLease, 'isValid'> => {
  const build = builds.find(({ name }) => name === served)
  return { served, version: build?.version ?? served }
}

/** Undefined while a switch is under way, which it helps to end. */
const tryLease = async (at: At, projection: string): Promise<PointerLease | undefined> => {
  const askedAtMs = performance.now()
  const { collections, session } = at
  const ahead = { $max: ['$leasedUntil', { $add: ['$$NOW', LEASE_MS] }] }
  const leased = await collections.builds.findOneAndUpdate(
    { _id: projection, switchingTo: null },
    [{ $set: { leasedUntil: ahead } }],
    { returnDocument: 'after', session },
  )
  const isValid = (): boolean => performance.now() < askedAtMs + LEASE_MS - LEASE_MARGIN_MS
  if (leased) return { ...servedIn(leased), isValid }
  await known(at, projection)
  await endSwitch(at, projection)
  return undefined
}

type Switch = { readonly build: string; readonly from: string | undefined }

const beginSwitch = async (at: At, projection: string, { build, from }: Switch): Promise<void> => {
  const { collections, session } = at
  // One whose switcher died, where nobody reads.
  await endSwitch(at, projection)
  const { served, builds } = await known(at, projection)
  if (!builds.some(({ name }) => name === build))
    throw unknown(
      `${projection} has no build ${build}: there are ${builds.map(({ name }) => name).join(', ')}`,
    )
  if (served === build) return
  if (from !== undefined && from !== served) throw switching(projection)
  const { matchedCount } = await collections.builds.updateOne(
    { _id: projection, served, 'builds.name': build, switchingTo: { $in: [null, build] } },
    { $set: { switchingTo: build } },
    { session },
  )
  if (matchedCount === 0) throw switching(projection)
}

const switching = (projection: string): PlatformError =>
  new PlatformError({
    code: 'BUILD_SWITCHING',
    message: `${projection} is being switched by somebody else: look again`,
    retryable: true,
  })

const retiredWith = (name: unknown): Document => ({
  $concatArrays: [{ $ifNull: ['$retired', []] }, [{ name, at: '$$NOW' }]],
})

/** There is one way back: the build that it led to before is retired, unless that is what readers get now. */
const isLeaving = { $and: [{ $ne: ['$previous', null] }, { $ne: ['$previous', '$switchingTo'] }] }

const switched: Document = {
  previous: '$served',
  served: '$switchingTo',
  switchingTo: null,
  builds: {
    $cond: [
      isLeaving,
      { $filter: { input: '$builds', cond: { $ne: ['$$this.name', '$previous'] } } },
      '$builds',
    ],
  },
  retired: { $cond: [isLeaving, retiredWith('$previous'), { $ifNull: ['$retired', []] }] },
}

/** True when no switch is under way any more. */
const endSwitch = async ({ collections, session }: At, projection: string): Promise<boolean> => {
  await collections.builds.updateOne(
    { _id: projection, switchingTo: { $ne: null }, $expr: { $lt: ['$leasedUntil', '$$NOW'] } },
    [{ $set: switched }],
    { session },
  )
  const found = await collections.builds.findOne({ _id: projection }, { session })
  return !found?.switchingTo
}

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
          retired: {
            $cond: [{ $in: [name, '$builds.name'] }, retiredWith(name), { $ifNull: ['$retired', []] }],
          },
        },
      },
    ],
    { session },
  )
  if (matchedCount > 0) return
  await known(at, projection)
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
