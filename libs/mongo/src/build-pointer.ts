// Which build of a projection is read. Readers hold the pointer under a lease of a second: taking one pushes
// `leasedUntil` ahead, by the server's clock, and a reader believes it for a little less than that, from before it
// asked. A switch first says where it goes: from then on no lease is given. When the last one has ended, whoever comes
// next, the switcher or a reader that waits, makes it take effect. So there is no moment in which one reader may answer
// from the old build and another from the new one, and a switcher that dies on the way blocks nobody.

import type { ClientSession, Document } from 'mongodb'
import { pause, PlatformError } from '@millrace/runtime'
import type { BuildsDocument } from './build-documents.ts'
import { buildUnknown, readKnown, RETIRED, retiredWith } from './builds.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import { translating } from './mongo-error.ts'

/** The served build, for as long as `isValid` says so. */
export type PointerLease = {
  readonly served: string
  /** Of its code. */
  readonly version: string
  isValid(): boolean
}

export type BuildPointer = {
  /** Waits for the end of a switch that is under way. */
  lease(projection: string): Promise<PointerLease>
  /**
   * Resolves when no reader gets the old build any more. Throws BUILD_UNKNOWN for one that is not in the list, and
   * BUILD_SWITCHING when somebody else is switching, or has switched away from `from`.
   */
  switchTo(projection: string, build: string, from?: string): Promise<void>
}

export const LEASE_MS = 1_000
/** Clocks may run apart by so much of a lease. */
const LEASE_MARGIN_MS = 50
const POLL_MS = 20

type At = { readonly collections: Collections; readonly session: ClientSession }

export const mongoBuildPointer = (connection: MongoConnection): BuildPointer => {
  const collections = collectionsOf(connection)
  const within = <T>(work: (at: At) => Promise<T>): Promise<T> =>
    translating(() => connection.inCausalSession((session) => work({ collections, session })))
  return {
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
  }
}

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
  await readKnown(at, projection)
  await endSwitch(at, projection)
  return undefined
}

type Switch = { readonly build: string; readonly from: string | undefined }

const beginSwitch = async (at: At, projection: string, { build, from }: Switch): Promise<void> => {
  const { collections, session } = at
  // One whose switcher died, where nobody reads.
  await endSwitch(at, projection)
  const { served, builds } = await readKnown(at, projection)
  if (!builds.some(({ name }) => name === build))
    throw buildUnknown(
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
  retired: { $cond: [isLeaving, retiredWith('$previous'), RETIRED] },
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
