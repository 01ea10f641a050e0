import type { ShardId } from './documents.ts'
import type { Match } from './log-matches.ts'
import type { LogWindow } from './log-window.ts'

/** An event that matches, without its data. */
export type Candidate = {
  readonly commitId: string
  /** Of its commit. */
  readonly order: number
  /** Place in its commit. */
  readonly index: number
  readonly sequence: number
  readonly bytes: number
}

/** One partition on its way past the reader. */
export type Tape = {
  readonly shard: ShardId
  /** Sequence of the last event that was looked at. */
  passed: number
  isAtEnd: boolean
  /** Looked at, matching, and not taken yet. */
  readonly waiting: Candidate[]
}

export const startTape = (shard: ShardId, passed: number): Tape => ({
  shard,
  passed,
  isAtEnd: false,
  waiting: [],
})

/** Its next event is not known, and there may be one. */
export const isDry = ({ isAtEnd, waiting }: Tape): boolean => !isAtEnd && waiting.length === 0

export const isOver = ({ isAtEnd, waiting }: Tape): boolean => isAtEnd && waiting.length === 0

/** Sequence that a reader goes on behind. */
export const reachedBy = ({ waiting: [next], passed }: Tape): number => (next ? next.sequence - 1 : passed)

/** Adds what matches in the window; gives how many events were looked at. */
export const feedTape = (tape: Tape, window: LogWindow, matches: ReadonlyMap<string, Match>): number => {
  const { passed } = tape
  for (const { id, firstSequence } of window.commits) {
    const match = matches.get(id)
    for (const { index, bytes } of match?.events ?? []) {
      const sequence = firstSequence + index
      if (match && sequence > passed)
        tape.waiting.push({ commitId: id, order: match.order, index, sequence, bytes })
    }
  }
  tape.passed = window.lastSequence
  tape.isAtEnd = window.isAtEnd
  return tape.passed - passed
}

/**
 * The earliest of the tapes' next events; of equal ones that of the earlier tape. Undefined when nothing waits, and
 * while any tape is dry: its next event might be the earliest.
 */
export const takeNext = (tapes: readonly Tape[]): Candidate | undefined => {
  if (tapes.some(isDry)) return undefined
  const next = tapes.reduce<Tape | undefined>(
    (best, tape) => (isEarlier(tape, best) ? tape : best),
    undefined,
  )
  return next?.waiting.shift()
}

const isEarlier = ({ waiting: [a] }: Tape, best: Tape | undefined): boolean => {
  const b = best?.waiting[0]
  return a !== undefined && (b === undefined || a.order < b.order)
}
