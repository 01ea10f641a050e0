import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './documents.ts'
import { isDuplicateKey, translating } from './mongo-error.ts'

export type Lease = { readonly name: string; readonly owner: string; readonly epoch: number }

export type Leases = {
  /** Takes or keeps the lease; undefined when somebody else holds it. Time is the server's ($$NOW), never ours. */
  take(name: string, owner: string, ttlMs: number): Promise<Lease | undefined>
  /** Gives it back at once; nothing happens when it is no longer ours. */
  release(lease: Lease): Promise<void>
}

export const mongoLeases = (connection: MongoConnection): Leases => {
  const { leases } = collectionsOf(connection.db)
  return {
    take: (name, owner, ttlMs) =>
      translating(async () => {
        try {
          const after = await leases.findOneAndUpdate(
            { _id: name, $expr: { $or: [{ $eq: ['$owner', owner] }, { $lt: ['$expiresAt', '$$NOW'] }] } },
            [
              {
                $set: {
                  epoch: {
                    $add: [{ $ifNull: ['$epoch', 0] }, { $cond: [{ $eq: ['$owner', owner] }, 0, 1] }],
                  },
                  owner,
                  expiresAt: { $add: ['$$NOW', ttlMs] },
                },
              },
            ],
            { upsert: true, returnDocument: 'after' },
          )
          return after ? { name, owner, epoch: after.epoch } : undefined
        } catch (error) {
          // The upsert of a lease that exists and is held: nothing matched, so it tried to insert.
          if (isDuplicateKey(error)) return undefined
          throw error
        }
      }),
    release: (lease) =>
      translating(async () => {
        await leases.updateOne(
          { _id: lease.name, owner: lease.owner, epoch: lease.epoch },
          { $set: { owner: '', expiresAt: new Date(0) } },
        )
      }),
  }
}
