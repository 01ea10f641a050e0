import type { Lease, Leases } from './leases.ts'

export type LeaseKeeper = {
  /** True while the lease is ours and valid; renews it when a third of it is gone. Once false, always false. */
  stillHolds(): Promise<boolean>
  /** The same, but asks the server now: it is also a write that everything read afterwards is newer than. */
  renew(): Promise<boolean>
  release(): Promise<void>
}

export type LeaseWish = {
  readonly name: string
  readonly owner: string
  readonly ttlMs: number
  /** Asked at every renewal. */
  readonly isValid: () => Promise<boolean>
}

/** Takes the lease, or undefined while somebody else holds it. The lease spares work; safety does not rest on it. */
export const takeLease = async (leases: Leases, wish: LeaseWish): Promise<LeaseKeeper | undefined> => {
  const { name, owner, ttlMs } = wish
  let heldUntil = 0
  let isLost = false
  const take = async (): Promise<Lease | undefined> => {
    const askedAt = performance.now()
    const lease = await leases.take(name, owner, ttlMs)
    heldUntil = askedAt + ttlMs
    return lease
  }
  const lease = await take()
  if (!lease) return undefined
  const renew = async (): Promise<boolean> => {
    if (!isLost) isLost = (await take())?.epoch !== lease.epoch || !(await wish.isValid())
    return !isLost
  }
  return {
    stillHolds: async () => !isLost && (heldUntil - performance.now() > (ttlMs * 2) / 3 || (await renew())),
    renew,
    release: () => leases.release(lease),
  }
}
