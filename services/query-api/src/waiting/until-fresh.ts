import type { AnyProjection } from '@millrace/domain'
import { pause } from '@millrace/runtime'
import type { Served } from '../served-builds.ts'
import { isFinal, late, type Lateness } from './late.ts'

const FIRST_POLL_MS = 5
const MAX_POLL_MS = 100

export type Patience = {
  /** Of `performance.now()`. */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

export type Look = () => Promise<'fresh' | Lateness>

/** Begins to look at a build, or at one document of it, for a position; throws a 400 where that can never be seen. */
export type Looks = (served: Served, key: string | null) => Look

/** Returns once a look finds it fresh; 504 with where it stands otherwise. */
export const untilFresh = async (
  projection: AnyProjection,
  { deadlineMs, signal }: Patience,
  look: Look,
): Promise<void> => {
  for (let delayMs = FIRST_POLL_MS; ; delayMs = Math.min(delayMs * 2, MAX_POLL_MS)) {
    const standing = await look()
    if (standing === 'fresh') return
    const leftMs = deadlineMs - performance.now()
    if (leftMs <= 0 || isFinal(standing)) throw late(projection, standing)
    await pause(Math.min(delayMs, leftMs), signal)
    signal.throwIfAborted()
  }
}
