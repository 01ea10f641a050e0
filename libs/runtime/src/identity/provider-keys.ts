// The public keys of an identity provider. They are fetched when they are first needed (and once at the start), again
// in the background when half of their maximum age is over, and again for a token whose key nobody knows: that may be a
// new key, so it works at once, but at most every 30 seconds, since anybody can invent such tokens.
//
// No answer is an outage (503) and not a bad token (401), for whoever needs the answer: nobody while the keys at hand are
// young enough. After their maximum age they are no good: a key that the provider took back must end, even when it can
// no longer tell. Where failed fetches follow each other they are 2 seconds apart, whoever asks.

import type { KeyObject } from 'node:crypto'
import { createLocalJWKSet, errors, type CryptoKey, type JWTHeaderParameters } from 'jose'
import type { Logger } from '../logger.ts'
import type { ProviderKey } from './fetch-keys.ts'
import { keysUnavailable } from './refusal.ts'

/** What the key has verified may be believed until `goodUntilMs`. */
export type FoundKey = { readonly key: CryptoKey | KeyObject; readonly goodUntilMs: number }

/** What one throws ends the search there. */
export type KeyGate = {
  /** Nobody knows the key. */
  onUnknownKey(): void
  /** The provider is asked, which may take seconds. May be called again while one waits. */
  beforeWait(): void
}

export type ProviderKeys = {
  /** Throws jose's errors when there is no such key, a retryable `PlatformError` when there may be one. */
  find(header: JWTHeaderParameters, gate: KeyGate): Promise<FoundKey>
  refreshIfDue(): void
  /** Throws until keys have come once. Later an outage is for the callers to be told of, not a reason to leave. */
  ready(): Promise<void>
}

type Options = {
  readonly fetchKeys: () => Promise<readonly ProviderKey[]>
  readonly maxAgeMs: number
  readonly logger: Logger
  /** A key that was there has been taken back. */
  readonly onKeyRemoved: () => void
  readonly now?: () => number
}

const UNKNOWN_KEY_FETCH_EVERY_MS = 30_000
const FAILED_FETCH_EVERY_MS = 2_000

type Held = {
  readonly find: ReturnType<typeof createLocalJWKSet>
  readonly fingerprints: ReadonlySet<string>
  readonly fetchedAtMs: number
}

const findIn = async (keys: Held, header: JWTHeaderParameters, maxAgeMs: number): Promise<FoundKey> => ({
  key: await keys.find(header),
  goodUntilMs: keys.fetchedAtMs + maxAgeMs,
})

export const makeProviderKeys = (options: Options): ProviderKeys => {
  const { maxAgeMs, now = Date.now } = options
  const fetcher = makeFetcher({ ...options, now })
  const sinceMs = (atMs: number | undefined): number => (atMs === undefined ? Infinity : now() - atMs)
  const young = (): Held | undefined =>
    sinceMs(fetcher.held()?.fetchedAtMs) < maxAgeMs ? fetcher.held() : undefined
  const mayFetch = (everyMs: number): boolean => sinceMs(fetcher.last()?.atMs) >= everyMs

  const needKeys = async (gate?: KeyGate): Promise<Held> => {
    if (!young() && (fetcher.isFetching() || mayFetch(FAILED_FETCH_EVERY_MS))) {
      gate?.beforeWait()
      await fetcher.fetch()
    }
    const keys = young()
    if (!keys) throw keysUnavailable()
    return keys
  }

  const refreshIfDue = (): void => {
    if (sinceMs(fetcher.held()?.fetchedAtMs) >= maxAgeMs / 2 && mayFetch(UNKNOWN_KEY_FETCH_EVERY_MS))
      void fetcher.fetch()
  }

  const findAgain = async (
    header: JWTHeaderParameters,
    gate: KeyGate,
    unknown: unknown,
  ): Promise<FoundKey> => {
    gate.onUnknownKey()
    if (fetcher.isFetching() || mayFetch(UNKNOWN_KEY_FETCH_EVERY_MS)) {
      gate.beforeWait()
      await fetcher.fetch()
      if (!fetcher.last()?.failed) return findIn(await needKeys(), header, maxAgeMs)
    }
    throw fetcher.last()?.failed ? keysUnavailable() : unknown
  }

  return {
    find: async (header, gate) => {
      const keys = await needKeys(gate)
      refreshIfDue()
      try {
        return await findIn(keys, header, maxAgeMs)
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey) return findAgain(header, gate, error)
        throw error
      }
    },
    refreshIfDue,
    ready: async () => void (fetcher.held() ?? (await needKeys())),
  }
}

type Attempt = { readonly atMs: number; failed: boolean }

/** One fetch at a time, for all who wait; what it brings is held. */
const makeFetcher = ({ fetchKeys, logger, onKeyRemoved, now = Date.now }: Options) => {
  let held: Held | undefined
  let last: Attempt | undefined
  let running: Promise<void> | undefined

  const hold = (keys: readonly ProviderKey[], fetchedAtMs: number): void => {
    const fingerprints = new Set(keys.map(({ fingerprint }) => fingerprint))
    const isRemoved = [...(held?.fingerprints ?? [])].some((known) => !fingerprints.has(known))
    held = { find: createLocalJWKSet({ keys: keys.map(({ jwk }) => jwk) }), fingerprints, fetchedAtMs }
    if (isRemoved) onKeyRemoved()
  }

  const run = async (attempt: Attempt): Promise<void> => {
    try {
      hold(await fetchKeys(), attempt.atMs)
    } catch (error) {
      attempt.failed = true
      logger.warn({ err: error }, 'keys of the identity provider could not be fetched')
    } finally {
      running = undefined
    }
  }

  return {
    held: () => held,
    last: () => last,
    isFetching: () => running !== undefined,
    /** Ends when the fetch is over, well or not. */
    fetch: (): Promise<void> => {
      if (running) return running
      last = { atMs: now(), failed: false }
      running = run(last)
      return running
    },
  }
}
