import { problems, type ProblemError } from './problem.ts'

export type LoadLimits = {
  readonly maxRequests: number
  /** Of bodies that have been received and whose requests are not done. */
  readonly maxBodyBytes: number
  /** How much of both one principal may have, so that nobody shuts the others out. */
  readonly ofOne: { readonly maxRequests: number; readonly maxBodyBytes: number }
}

export type RequestsUnderWay = {
  /** Counts a request in; undefined when there are as many as may be: answer {@link RequestsUnderWay.overloaded}. */
  enter(): Place | undefined
  readonly requests: number
  readonly bodyBytes: number
  /** Principals that have a request under way. */
  readonly principals: number
  /** 503 with Retry-After. */
  overloaded(): ProblemError
}

/** What one request has of the process. Its problems all say when to try again. */
export type Place = {
  /** Until the answer is out, or the client gone, and all who stayed have left. */
  readonly isTaken: () => boolean
  /** Counts it as this principal's, named with its tenant; 429 when that one has as many as it may. */
  belongTo(principal: string): ProblemError | undefined
  /** Counts bytes of its body as they are received; 503 when they are too many for the process, 429 for the principal. */
  hold(bytes: number): ProblemError | undefined
  /** One more has to leave: a handler may go on after its answer is out or its client is gone. Only while it is taken. */
  stay(): void
  /** Gives everything back when it was called once for the request and once for each `stay`. */
  leave(): void
}

type Count = { requests: number; bodyBytes: number }

const RETRY = { 'retry-after': '1' }
/** Whoever is refused in the middle of a body does not get to send the rest. */
const LEAVING = { ...RETRY, connection: 'close' }

const tooManyOfOne = (): ProblemError =>
  problems.tooManyRequests('too many of your requests are under way; wait for answers', { headers: RETRY })
const tooMuchOfOne = (): ProblemError =>
  problems.tooManyRequests('too many bytes of your requests are under way; wait for answers', {
    headers: LEAVING,
  })
const tooMuch = (): ProblemError =>
  problems.unavailable('too many bodies are under way here; try again', { headers: LEAVING })

type Counts = { readonly all: Count; readonly byPrincipal: Map<string, Count> }

const countOf = ({ byPrincipal }: Counts, principal: string): Count => {
  const known = byPrincipal.get(principal) ?? { requests: 0, bodyBytes: 0 }
  byPrincipal.set(principal, known)
  return known
}

const NOBODY = 'a place that was given back'

const makePlace = (counts: Counts, limits: LoadLimits): Place => {
  const { all, byPrincipal } = counts
  let owner: string | undefined
  let own: Count | undefined
  let held = 0
  let leaving = 1

  const giveBack = (): void => {
    all.requests -= 1
    all.bodyBytes -= held
    if (!own || owner === undefined) return
    own.requests -= 1
    own.bodyBytes -= held
    if (own.requests === 0) byPrincipal.delete(owner)
  }

  return {
    isTaken: () => leaving > 0,
    belongTo: (principal) => {
      if (leaving === 0) throw new Error(NOBODY)
      const count = countOf(counts, principal)
      if (count.requests >= limits.ofOne.maxRequests) return tooManyOfOne()
      owner = principal
      own = count
      own.requests += 1
      return undefined
    },
    hold: (bytes) => {
      if (leaving === 0 || all.bodyBytes + bytes > limits.maxBodyBytes) return tooMuch()
      if (own && own.bodyBytes + bytes > limits.ofOne.maxBodyBytes) return tooMuchOfOne()
      held += bytes
      all.bodyBytes += bytes
      if (own) own.bodyBytes += bytes
      return undefined
    },
    stay: () => {
      if (leaving === 0) throw new Error(NOBODY)
      leaving += 1
    },
    leave: () => {
      if (leaving === 0) return
      leaving -= 1
      if (leaving === 0) giveBack()
    },
  }
}

/**
 * Bounds what requests take of the memory. Bytes are counted when they have come, not when they are announced, so nobody
 * reserves what they do not send. A held byte is up to twenty of memory when it is parsed (`[{},{},…`), one or two in
 * an ordinary body.
 */
export const boundRequestsUnderWay = (limits: LoadLimits): RequestsUnderWay => {
  const counts: Counts = { all: { requests: 0, bodyBytes: 0 }, byPrincipal: new Map() }
  const { all, byPrincipal } = counts
  return {
    get requests() {
      return all.requests
    },
    get bodyBytes() {
      return all.bodyBytes
    },
    get principals() {
      return byPrincipal.size
    },
    enter: () => {
      if (all.requests >= limits.maxRequests) return undefined
      all.requests += 1
      return makePlace(counts, limits)
    },
    overloaded: () => problems.unavailable('too much is under way here; try again', { headers: RETRY }),
  }
}
