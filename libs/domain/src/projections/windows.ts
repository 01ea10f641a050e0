/*
 * Windows over event time, in UTC ms. A window has its start and not its end.
 *
 * Tumbling windows lie side by side; hopping ones overlap, so an event has several places; calendar ones are named by
 * the beginning of an ISO time. Sessions have no grid: they are what events close to each other make of themselves,
 * in whichever order they come.
 */
import { addExactly } from './sums.ts'

export type Window = { readonly start: number; readonly end: number }

export const tumbling = (at: number, sizeMs: number): Window => {
  const start = Math.floor(at / sizeMs) * sizeMs
  return { start, end: start + sizeMs }
}

/** One starts every `hopMs`; those that an instant is in, the oldest first. */
export const hopping = (
  at: number,
  { sizeMs, hopMs }: { readonly sizeMs: number; readonly hopMs: number },
): Window[] => {
  const last = Math.floor(at / hopMs) * hopMs
  const count = Math.max(0, Math.ceil((last + sizeMs - at) / hopMs))
  return Array.from({ length: count }, (_, index) => {
    const start = last - (count - 1 - index) * hopMs
    return { start, end: start + sizeMs }
  })
}

// Years above 9999 have no events, so each part of an ISO time has its place.
const isoOf = (at: number, pattern: string): string => new Date(at).toISOString().slice(0, pattern.length)

export const hourOf = (at: number): string => isoOf(at, 'YYYY-MM-DDTHH')

export const dayOf = (at: number): string => isoOf(at, 'YYYY-MM-DD')

export const monthOf = (at: number): string => isoOf(at, 'YYYY-MM')

/** From the first to the last of some events of which none is more than the gap behind the one before. */
export type Session = { readonly from: number; readonly to: number; readonly events: number }

/** In order; two whose distance is the gap or less are one. */
export const mergeSessions = (sessions: readonly Session[], gapMs: number): Session[] => {
  const merged: Session[] = []
  for (const session of sessions.toSorted((one, other) => one.from - other.from)) {
    const last = merged.at(-1)
    if (last && session.from - last.to <= gapMs) merged[merged.length - 1] = join(last, session)
    else merged.push(session)
  }
  return merged
}

const join = (one: Session, other: Session): Session => ({
  from: one.from,
  to: Math.max(one.to, other.to),
  events: addExactly(one.events, other.events),
})
