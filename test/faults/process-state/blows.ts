// What happens to the services while the fleet reports: each of a pair is killed in turn, at any moment at which the pair
// is at work, and now and then one is frozen for so long that the other one has all that it had. Relays are frozen only.

import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { fetchEndOffsets } from '@millrace/kafka'
import { messageOf, pause } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { putOutOfGroup } from '../../support/put-out-of-group.ts'
import { takeDown, type Blows } from '../projections/projector-faults.ts'
import { endings, type Pair, type Replica } from './replica.ts'
import { LEASE_MS, type TableSide, type Victims } from './table-side.ts'

export type Struck = Blows & { readonly service: string }

const MAX_WAIT_MS = 1_000
const FREEZE_EVERY = 12
const LONGER_MS = { least: 500, most: 4_000 }
/** One dead member in so many stays in its group until its session has ended. */
const STAYS_EVERY = 6
const BUSY = { timeoutMs: 120_000, everyMs: 250 }

const endOf = async ({ kafka }: TableSide, topic: string): Promise<bigint> =>
  [...(await fetchEndOffsets(kafka, topic)).values()].reduce((sum, end) => sum + end, 0n)

/** Rejects when it does nothing although it has to. */
const untilAtWork = async (side: TableSide, { output, service }: Pair): Promise<void> => {
  const before = await endOf(side, output)
  await eventually(
    () => endOf(side, output),
    (end) => end > before,
    BUSY,
  ).catch((cause: unknown) => {
    throw new Error(`no ${service} does anything: ${messageOf(cause)}`, { cause })
  })
}

const freeze = async ({ process }: Replica, isGoneAfterMs: number): Promise<void> => {
  process().freeze()
  await sleep(isGoneAfterMs + randomInt(LONGER_MS.least, LONGER_MS.most))
  process().thaw()
}

/** The living ones come back at once. A group that is empty, or rid of the dead one meanwhile, is as wanted. */
const putOut = async ({ servers }: TableSide, { groups }: Victims): Promise<void> => {
  await Promise.all(groups.map((group) => putOutOfGroup(servers.kafka, group).catch(() => undefined)))
}

const strike = async (side: TableSide, victims: Victims, struck: Struck): Promise<void> => {
  await untilAtWork(side, victims)
  const victim = victims.replicas[struck.kills % 2 === 0 ? 0 : 1]
  if (struck.kills % FREEZE_EVERY === FREEZE_EVERY - 1) {
    await freeze(victim, victims.isGoneAfterMs)
    struck.freezes += 1
    await untilAtWork(side, victims)
  }
  await sleep(randomInt(MAX_WAIT_MS))
  await takeDown(victim, struck)
  await victim.process().kill()
  struck.kills += 1
  if (struck.kills % STAYS_EVERY !== 0) await putOut(side, victims)
  await victim.startAgain()
}

/** Gives those that have ended by themselves. */
export const strikeAll = async (
  side: TableSide,
  { kills, struck }: { readonly kills: number; readonly struck: readonly Struck[] },
): Promise<string[]> => {
  const faults = side.victims.map(async (victims) => {
    const own = struck.find(({ service }) => service === victims.service)
    const found: string[] = []
    while (own && own.kills < kills && found.length === 0) {
      await strike(side, victims, own).catch((error: unknown) => found.push(messageOf(error)))
      found.push(...endings(victims))
    }
    return found
  })
  return (await Promise.all(faults)).flat()
}

export type Frozen = { freezes: number; takenOver: number }

const ownersOf = async ({ servers }: TableSide): Promise<ReadonlyMap<string, string>> => {
  const leases = await servers.mongoConnection.db
    .collection<{ _id: string; owner: string }>('leases')
    .find({ _id: /^outbox:process\.state:/ })
    .toArray()
  return new Map(leases.map(({ _id, owner }) => [_id, owner]))
}

/** Relays in turn, each in the middle of its work, until the end; at least once. */
export const freezeRelays = async (side: TableSide, frozen: Frozen, ended: AbortSignal): Promise<void> => {
  do {
    await untilAtWork(side, side.relays)
    const victim = side.relays.replicas[frozen.freezes % 2 === 0 ? 0 : 1]
    const before = await ownersOf(side)
    victim.process().freeze()
    await sleep(LEASE_MS + randomInt(LONGER_MS.least, LONGER_MS.most))
    const after = await ownersOf(side)
    victim.process().thaw()
    frozen.freezes += 1
    frozen.takenOver += [...before].filter(([shard, owner]) => owner && owner !== after.get(shard)).length
    await pause(randomInt(5_000, 15_000), ended)
  } while (!ended.aborted)
}
