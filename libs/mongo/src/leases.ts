import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './collections.ts'
import { translating } from './mongo-error.ts'

export type Lease = { readonly name: string; readonly owner: string; readonly epoch: number }

export type Leases = {
  /** Takes or keeps the lease; undefined when somebody else holds it. Time is the server's ($$NOW), never ours. */
  take(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>
  /** Gives it back at once; nothing happens when it is no longer ours. */
  release(lease: Lease): Promise<void>
}

/** One pipeline stage: the lease as it is while another holds it, else ours, with a new epoch if it was not. */
const takeIfFree = (ownerName: string, ttlMs: number) => {
  const owner = { $literal: ownerName }
  const isOurs = { $eq: ['$owner', owner] }
  const isFree = { $or: [isOurs, { $lt: [{ $ifNull: ['$expiresAt', new Date(0)] }, '$$NOW'] }] }
  const epoch = { $add: [{ $ifNull: ['$epoch', 0] }, { $cond: [isOurs, 0, 1] }] }
  return {
    $set: {
      owner: { $cond: [isFree, owner, '$owner'] },
      epoch: { $cond: [isFree, epoch, '$epoch'] },
      expiresAt: { $cond: [isFree, { $add: ['$$NOW', ttlMs] }, '$expiresAt'] },
    },
  }
}

export const mongoLeases = (connection: MongoConnection): Leases => {
  const { leases } = collectionsOf(connection)
  return {
    take: (name, owner, ttlMs) =>
      translating(() =>
        connection.inCausalSession(async (session) => {
          const after = await leases.findOneAndUpdate({ _id: name }, [takeIfFree(owner, ttlMs)], {
            upsert: true,
            returnDocument: 'after',
            session,
          })
          return after?.owner === owner ? { name, owner, epoch: after.epoch } : undefined
        }),
      ),
    release: (lease) =>
      translating(async () => {
        await leases.updateOne(
          { _id: lease.name, owner: lease.owner, epoch: lease.epoch },
          { $set: { owner: '', expiresAt: new Date(0) } },
        )
      }),
  }
}
