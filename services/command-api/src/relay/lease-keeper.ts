import type { Lease, Leases } from '@millrace/mongo'

export type LeaseKeeper = {
  /** True while the lease is ours; renews it when a third of it is gone. */
  stillHolds(): Promise<boolean>
  release(): Promise<void>
}

/** Takes the lease, or undefined while somebody else holds it. The lease spares work; safety does not rest on it. */
export const takeLease = async (
  leases: Leases,
  wanted: { name: string; owner: string; ttlMs: number },
): Promise<LeaseKeeper | undefined> => {
  let heldUntil = 0
  const take = async (): Promise<Lease | undefined> => {
    const askedAt = performance.now()
    const lease = await leases.take(wanted.name, wanted.owner, wanted.ttlMs)
    heldUntil = lease ? askedAt + wanted.ttlMs : 0
    return lease
  }
  const lease = await take()
  if (!lease) return undefined
  return {
    stillHolds: async () => {
      if (heldUntil - performance.now() > (wanted.ttlMs * 2) / 3) return true
      return (await take())?.epoch === lease.epoch
    },
    release: () => leases.release(lease),
  }
}
