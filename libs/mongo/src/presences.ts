// Who is at work on the store: writers, which commit, and builders, which fold all commits into new inline read models
// and would miss a commit that is made meanwhile. So they keep out of each other's way:
//
//   - each first says that it is here, and then looks who else is: of two that begin at the same time, the second one
//     to be written sees the first (majority writes, causally later reads), whichever of them yields;
//   - a presence is renewed every few seconds and expires half a minute after the last time, by the server's clock;
//     an outage of MongoDB alone removes nobody, and nobody can commit meanwhile;
//   - whoever believes a process to be gone removes its presence. A process that was only frozen finds out at its next
//     renewal and has to end. Before what it must not do as a ghost it asks `confirm`, which renews when half of the
//     time has passed: so work begun after it may take the other half.
//
// What is left is a process that is frozen for those 15 seconds between `confirm` and the write that follows it, while
// an operator builds. To close that too, every commit would have to touch a presence in a transaction.

import { randomUUID } from 'node:crypto'
import type { ClientSession } from 'mongodb'
import { isRetryable, pause, PlatformError } from '@millrace/runtime'
import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf, type Collections } from './collections.ts'
import type { PresenceDocument } from './documents.ts'
import { translating } from './mongo-error.ts'

export type Role = PresenceDocument['role']

/** Our own sign of life. */
export type Presence = {
  readonly id: string
  /** Throws a PlatformError when we were taken to be gone, or (retryable) when that cannot be found out. */
  confirm(): Promise<void>
  leave(): Promise<void>
}

export type Presences = {
  /** `onLost`: we were taken to be gone, and must not go on. */
  enter(as: { role: Role; name: string; onLost: (error: unknown) => void }): Promise<Presence>
  /** Names of the others whose presence has not expired; removes those that have. */
  others(own: Presence, roles: readonly Role[]): Promise<string[]>
  /** The same, but waits until it is known who lives: presences that are renewed, not those that will expire. */
  othersAlive(own: Presence, roles: readonly Role[]): Promise<string[]>
}

const LIFE_MS = 30_000
const RENEW_EVERY_MS = 3_000
const LOOK_EVERY_MS = 250

export const mongoPresences = (
  connection: MongoConnection,
  { renewEveryMs = RENEW_EVERY_MS } = {},
): Presences => {
  const { presences } = collectionsOf(connection)
  const at: At = {
    presences,
    renewEveryMs,
    inSession: (work) => translating(() => connection.inCausalSession(work)),
  }
  const others = async (own: Presence, roles: readonly Role[]): Promise<string[]> =>
    (await findOthers(at, own, roles)).map(({ name }) => name)
  return {
    enter: (as) => enter(at, as),
    others,
    othersAlive: async (own, roles) => {
      const first = new Map<string, Date>()
      for (;;) {
        const found = await findOthers(at, own, roles)
        if (found.length === 0) return []
        const alive = found.filter(({ _id, expiresAt }) => expiresAt > (first.get(_id) ?? expiresAt))
        if (alive.length > 0) return alive.map(({ name }) => name)
        for (const { _id, expiresAt } of found) first.set(_id, expiresAt)
        await pause(LOOK_EVERY_MS)
      }
    },
  }
}

type At = {
  readonly presences: Collections['presences']
  readonly renewEveryMs: number
  inSession<T>(work: (session: ClientSession) => Promise<T>): Promise<T>
}

const IN_A_LIFE = [{ $set: { expiresAt: { $add: ['$$NOW', LIFE_MS] } } }]

/** For a transaction that must not happen once we were taken to be gone. */
export const confirmIn = async (
  presences: Collections['presences'],
  id: string,
  session: ClientSession,
): Promise<void> => {
  const { matchedCount } = await presences.updateOne({ _id: id }, IN_A_LIFE, { session })
  if (matchedCount === 0) throw lost()
}

const lost = (): PlatformError =>
  new PlatformError({
    code: 'STORE_PRESENCE_LOST',
    message: 'this process gave no sign of life for too long, and `millrace setup` went on without it',
    retryable: false,
  })

/** Those of the roles that have not expired; what has is removed first, so that it finds out. */
const findOthers = (
  { presences, inSession }: At,
  own: Presence,
  roles: readonly Role[],
): Promise<PresenceDocument[]> =>
  inSession(async (session) => {
    const ofOthers = { _id: { $ne: own.id }, role: { $in: [...roles] } }
    await presences.deleteMany({ ...ofOthers, $expr: { $lt: ['$expiresAt', '$$NOW'] } }, { session })
    return presences.find(ofOthers, { session }).sort({ name: 1 }).toArray()
  })

const enter = async (
  { presences, renewEveryMs, inSession }: At,
  { role, name, onLost }: Parameters<Presences['enter']>[0],
): Promise<Presence> => {
  const id = randomUUID()
  let sureUntil = 0
  const write = (work: (session: ClientSession) => Promise<unknown>): Promise<void> =>
    inSession(async (session) => {
      const askedAt = performance.now()
      await work(session)
      sureUntil = askedAt + LIFE_MS / 2
    })
  await write((session) => {
    const here = [{ $set: { role, name: { $literal: name } } }, ...IN_A_LIFE]
    return presences.updateOne({ _id: id }, here, { session, upsert: true })
  })
  const renewer = keepRenewing({
    everyMs: renewEveryMs,
    write: () => write((session) => confirmIn(presences, id, session)),
    onLost,
  })
  return {
    id,
    confirm: async () => {
      if (performance.now() >= sureUntil) await renewer.renew()
    },
    leave: async () => {
      await renewer.stop()
      await inSession((session) => presences.deleteOne({ _id: id }, { session }))
    },
  }
}

type Renewing = {
  readonly everyMs: number
  readonly write: () => Promise<void>
  readonly onLost: (error: unknown) => void
}

const keepRenewing = ({ everyMs, write, onLost }: Renewing) => {
  let renewing: Promise<void> | undefined
  const renew = (): Promise<void> => {
    renewing ??= write().finally(() => {
      renewing = undefined
    })
    return renewing
  }
  const renewOrEnd = async (): Promise<void> => {
    try {
      await renew()
    } catch (error) {
      // In an outage the next one may succeed.
      if (isRetryable(error)) return
      clearInterval(timer)
      onLost(error)
    }
  }
  const timer = setInterval(() => void renewOrEnd(), everyMs).unref()
  return {
    renew,
    stop: async (): Promise<void> => {
      clearInterval(timer)
      await renewing?.catch(() => undefined)
    },
  }
}
