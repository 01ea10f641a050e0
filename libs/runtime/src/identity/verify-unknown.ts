// Verifies tokens that are not known yet, each once for all requests that bring it at the same time.
//
// A token may name a key that nobody knows. It may be a new one, so the provider is asked, and if that hangs, the request
// holds its place at the door for seconds. Anybody can invent such tokens: they count as failures of their address until
// the key turns out to be there, and no more than MAX_WAITING requests wait, of all addresses together. It is one answer
// that all of them wait for; whoever does not fit in hears 503 at once and comes again when it is there.

import { problems } from '../http/problem.ts'
import { isRetryable } from '../platform-error.ts'
import type { FailureLimit } from './failure-limit.ts'
import type { Principal } from './principal.ts'
import { keysUnavailable, TokenRefusal, unauthorized } from './refusal.ts'
import { isRevoked, type RevokedTokens } from './revoked-tokens.ts'
import type { Asked, TokenReport } from './token-report.ts'
import type { VerifiedTokens } from './verified-tokens.ts'
import type { Gate, VerifyToken } from './verify-token.ts'

/** A twentieth of the places that a door has by default. */
const MAX_WAITING = 100

export type Unknown = Asked & { readonly token: string; readonly key: string }

type Parts = {
  readonly verify: VerifyToken
  readonly verified: VerifiedTokens
  readonly revoked: RevokedTokens
  readonly limit: FailureLimit
  readonly report: TokenReport
}

/** The requests that bring one token while it is verified. */
type Group = { requests: number; isCounted: boolean; isWaiting: boolean }

export const makeVerifyUnknown = ({ verify, verified, revoked, limit, report }: Parts) => {
  const running = new Map<string, { readonly principal: Promise<Principal>; readonly group: Group }>()
  const room = makeWaitingRoom()
  const { refuseTooMany, gateOf } = makeGates({ limit, report }, room)

  const verifyOnce = async ({ token, key, ...asked }: Unknown, group: Group): Promise<Principal> => {
    const address = asked.request.socket.remoteAddress
    const generation = verified.generation()
    try {
      const found = await verify(token, gateOf(group, address))
      if (isRevoked(found, revoked)) throw new TokenRefusal('revoked', 'its id is in REVOKED_TOKENS_FILE')
      verified.keep(key, found, generation)
      report.verified()
      return found.principal
    } catch (error) {
      if (isRetryable(error)) report.unavailable()
      if (!(error instanceof TokenRefusal)) throw error
      if (!group.isCounted) limit.count(address)
      report.refused(error, asked)
      throw unauthorized('token')
    } finally {
      running.delete(key)
      if (group.isWaiting) room.leave(group.requests)
    }
  }

  return (unknown: Unknown): Promise<Principal> => {
    refuseTooMany(unknown.request.socket.remoteAddress)
    const other = running.get(unknown.key)
    if (other) {
      if (other.group.isWaiting) room.enter(1)
      other.group.requests += 1
      return other.principal
    }
    const group = { requests: 1, isCounted: false, isWaiting: false }
    const principal = verifyOnce(unknown, group)
    running.set(unknown.key, { principal, group })
    return principal
  }
}

const makeGates = ({ limit, report }: Pick<Parts, 'limit' | 'report'>, room: WaitingRoom) => {
  const refuseTooMany = (address: string | undefined): void => {
    const waitMs = limit.waitMs(address)
    if (waitMs === 0) return
    report.limited()
    throw problems.tooManyRequests('too many tokens from this address were not valid', {
      headers: { 'retry-after': String(Math.ceil(waitMs / 1_000)) },
    })
  }

  const gateOf = (group: Group, address: string | undefined): Gate => ({
    onUnknownKey: () => {
      limit.count(address)
      group.isCounted = true
    },
    beforeWait: () => {
      if (group.isWaiting) return
      room.enter(group.requests)
      group.isWaiting = true
    },
    beforeSignature: () => {
      if (group.isCounted) limit.forgive(address)
      group.isCounted = false
      refuseTooMany(address)
    },
  })
  return { refuseTooMany, gateOf }
}

type WaitingRoom = ReturnType<typeof makeWaitingRoom>

const makeWaitingRoom = () => {
  let waiting = 0
  return {
    enter: (requests: number): void => {
      if (waiting + requests > MAX_WAITING) throw keysUnavailable()
      waiting += requests
    },
    leave: (requests: number): void => {
      waiting -= requests
    },
  }
}
