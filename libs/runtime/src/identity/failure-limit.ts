import { LRUCache } from 'lru-cache'

export type FailureLimit = {
  /** How long nobody at this address may show an unknown token; 0 when one may now. */
  waitMs(address: string | undefined): number
  /** A token from this address was no good. */
  count(address: string | undefined): void
  /** One that was counted was good after all. */
  forgive(address: string | undefined): void
}

type Options = { readonly burst: number; readonly perMinute: number; readonly now?: () => number }

/** Above it the address that failed least recently is forgiven; some 2 MB. */
const MAX_ADDRESSES = 10_000

/**
 * Limits how many tokens from one address may fail, since a failure costs the verification of a signature: some 0.1 ms
 * of a core, a thousand times its price to the sender. Whoever has a token that was verified before is not asked.
 *
 * The address is the connection's. `X-Forwarded-For` is not read: whoever writes it would choose whom to lock out, and
 * never be locked out himself. So behind a proxy all clients are one address, and a client that fails too often keeps
 * the unknown tokens of the others waiting too (429, `Retry-After`; seconds, not for good). There, let the proxy limit
 * its clients and raise the figures here to what you are ready to spend: 600 failures a minute are 0.1 % of a core.
 * An attacker with n addresses gets n times as much. An IPv6 address counts as its /64, which is what one customer has.
 */
export const makeFailureLimit = ({ burst, perMinute, now = Date.now }: Options): FailureLimit => {
  const intervalMs = 60_000 / perMinute
  const fullMs = burst * intervalMs
  // When all failures of the address will be forgiven; each adds an interval (GCRA).
  const forgivenAt = new LRUCache<string, number>({ max: MAX_ADDRESSES })
  return {
    waitMs: (address) => {
      const at = forgivenAt.get(networkOf(address))
      return at === undefined ? 0 : Math.max(0, Math.ceil(at - now() - fullMs + intervalMs))
    },
    count: (address) => {
      const network = networkOf(address)
      const from = Math.max(forgivenAt.get(network) ?? 0, now())
      forgivenAt.set(network, Math.min(from + intervalMs, now() + fullMs))
    },
    forgive: (address) => {
      const network = networkOf(address)
      const at = forgivenAt.get(network)
      if (at !== undefined) forgivenAt.set(network, at - intervalMs)
    },
  }
}

const MAPPED_IPV4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

const networkOf = (address = 'unknown'): string => {
  if (!address.includes(':')) return address
  const mapped = MAPPED_IPV4.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
