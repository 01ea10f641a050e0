// What becomes of a shard whose relay stops in the middle of a publication: killed, or frozen past its lease and then
// awake again. The moment is made certain by holding a message between the relay and MongoDB.

import { eventually, type HeldMessage } from '@millrace/testkit'
import { allPublished, countRepeats, logFaults } from './log-faults.ts'
import type { Replica } from './replica.ts'
import { addProduct, appendPrice, untilAnswered } from './write-call.ts'
import { LEASE_MS, type WriteSide } from './write-side.ts'

export const relayMoments = {
  'behind the publication insert': {
    message: 'reply',
    of: { name: 'insert', collection: 'publications' },
    isProduced: false,
  },
  'between produce and mark': {
    message: 'request',
    of: { name: 'update', collection: 'commits' },
    isProduced: true,
  },
} as const

export type RelayMoment = keyof typeof relayMoments

type Stopped = { readonly victim: Replica; readonly heir: Replica; readonly message: HeldMessage }

/** Waits for the replica that has the shard, whichever it is. */
const holdRelay = async ({ replicas }: WriteSide, moment: RelayMoment): Promise<Stopped> => {
  const [first, second] = replicas
  const decided = new AbortController()
  const { message, of } = relayMoments[moment]
  const hold = async (victim: Replica, heir: Replica): Promise<Stopped> => ({
    message: await victim.proxy.hold(message, of, decided.signal),
    victim,
    heir,
  })
  const stopped = await Promise.race([hold(first, second), hold(second, first)])
  decided.abort()
  return stopped
}

/** Stops the relay that publishes a new product; `stop` is what happens to it then. */
const stopRelay = async (
  side: WriteSide,
  moment: RelayMoment,
  stop: (stopped: Stopped) => Promise<void>,
): Promise<Stopped & { readonly product: string; readonly takenOverInMs: number }> => {
  await allPublished(side)
  const product = side.newId()
  const holding = holdRelay(side, moment)
  await untilAnswered(side.replicas, addProduct(product))
  const stopped = await holding
  await stop(stopped)
  const stoppedAt = performance.now()
  await untilAnswered([stopped.heir], appendPrice(product, 1, 2))
  await allPublished(side)
  return { ...stopped, product, takenOverInMs: performance.now() - stoppedAt }
}

/** Half a lease passes between two looks at it; the rest is for a busy machine. */
const TAKEOVER_MS = 1.5 * LEASE_MS + 5_000

const lateness = (tookMs: number): string[] =>
  tookMs <= TAKEOVER_MS ? [] : [`taken over after ${Math.round(tookMs)} ms`]

/** SIGKILL: another replica goes on, with repeats only of what had been produced. */
export const killRelay = async (side: WriteSide, moment: RelayMoment): Promise<string[]> => {
  const before = countRepeats(side)
  const { victim, takenOverInMs } = await stopRelay(side, moment, ({ victim }) => victim.kill())
  await victim.startAgain()
  const faults = [...lateness(takenOverInMs), ...(await logFaults(side))]
  const repeats = countRepeats(side) - before
  const expected = relayMoments[moment].isProduced ? 1 : 0
  return repeats === expected ? faults : [...faults, `${repeats} repeats instead of ${expected}`]
}

/** SIGSTOP past its lease, then awake: what it had in hand comes late, as a repeat. */
export const freezeRelay = async (side: WriteSide, moment: RelayMoment): Promise<string[]> => {
  const before = countRepeats(side)
  const stopped = await stopRelay(side, moment, async ({ victim }) => victim.process().freeze())
  const { victim, heir, message, product } = stopped
  message.release()
  victim.process().thaw()
  await untilAnswered([victim], appendPrice(product, 2, 3))
  await untilAnswered([heir], appendPrice(product, 3, 4))
  const repeats = await eventually(
    () => countRepeats(side) - before,
    (count) => count >= 1,
  ).catch(() => 0)
  const faults = [...lateness(stopped.takenOverInMs), ...(await logFaults(side))]
  return repeats >= 1 ? faults : [...faults, 'what it had in hand never came']
}
