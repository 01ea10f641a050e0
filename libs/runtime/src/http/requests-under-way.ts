import { problems, type ProblemError } from './problem.ts'

export type LoadLimits = {
  readonly maxRequests: number
  /** Of bodies that have been received and whose requests are not answered. */
  readonly maxBodyBytes: number
}

export type RequestsUnderWay = {
  /** Counts a request in; undefined when there are as many as may be: answer {@link RequestsUnderWay.overloaded}. */
  enter(): Place | undefined
  readonly requests: number
  readonly bodyBytes: number
  /** 503 with Retry-After. */
  overloaded(): ProblemError
}

/** What one request has of the process. */
export type Place = {
  /** Counts bytes of its body as they are received; false when they are too many for the process. */
  hold(bytes: number): boolean
  /** Gives everything back, once: when the answer is out or its client gone. */
  leave(): void
}

/**
 * Bounds what requests take of the memory. Bytes are counted when they have come, not when they are announced, so nobody
 * reserves what they do not send. A held byte is up to twenty of memory when it is parsed (`[{},{},…`), one or two in
 * an ordinary body.
 */
export const boundRequestsUnderWay = ({ maxRequests, maxBodyBytes }: LoadLimits): RequestsUnderWay => {
  let requests = 0
  let bodyBytes = 0

  const makePlace = (): Place => {
    let held = 0
    let hasLeft = false
    return {
      hold: (bytes) => {
        if (hasLeft || bodyBytes + bytes > maxBodyBytes) return false
        held += bytes
        bodyBytes += bytes
        return true
      },
      leave: () => {
        if (hasLeft) return
        hasLeft = true
        requests -= 1
        bodyBytes -= held
      },
    }
  }

  return {
    get requests() {
      return requests
    },
    get bodyBytes() {
      return bodyBytes
    },
    enter: () => {
      if (requests >= maxRequests) return undefined
      requests += 1
      return makePlace()
    },
    overloaded: () =>
      problems.unavailable('too much is under way here; try again', { headers: { 'retry-after': '1' } }),
  }
}
