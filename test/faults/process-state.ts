// The table of processes under every fault of those who make it: projectors, compactors and changefeeds are killed with
// SIGKILL and frozen with SIGSTOP at any moment, relays of the outbox frozen past their lease, while hundreds of processes
// are reported, by one reporter with a clock that is ten minutes ahead. Nothing ever goes backwards, and in the end the
// last value of each process is the same wherever it is, and what a fold of all heartbeats says.

import { messageOf, pause } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { startTestServers } from '../../tools/test-servers.ts'
import { startOwnServer } from '../support/own-server.ts'
import { freezeRelays, strikeAll, type Frozen, type Struck } from './process-state/blows.ts'
import { openFleet, startOf, toldFaults, type Fleet } from './process-state/fleet.ts'
import { foldHeartbeats } from './process-state/fold-of-heartbeats.ts'
import { lastValueFaults, type Watches } from './process-state/last-values.ts'
import { watchLog, type LogWatch } from './process-state/log-watch.ts'
import { changesRise, snapshotsRise, statesRise } from './process-state/order-rules.ts'
import { countLines, endings } from './process-state/replica.ts'
import { openTableSide, type TableSide } from './process-state/table-side.ts'

const TELL_EVERY_MS = 30_000
/** So long nothing moves, sooner or later: from stale to gone it takes 45 s. */
const SETTLE = { timeoutMs: 180_000, everyMs: 1_000 }
/** The later ones mostly say the same. */
const MAX_PRINTED = 20

type Print = (line: string) => void

const seconds = (sinceMs: number): string => ((performance.now() - sinceMs) / 1_000).toFixed(1)

type Campaign = {
  readonly side: TableSide
  readonly watches: Watches
  readonly fleet: Fleet
  readonly struck: readonly Struck[]
  readonly frozen: Frozen
}

const openWatches = (side: TableSide): Watches => ({
  states: watchLog(side, { topic: 'process.state', rule: statesRise(startOf) }),
  snapshots: watchLog(side, { topic: 'process.state.snapshot', rule: snapshotsRise() }),
  changes: watchLog(side, { topic: 'processes.changed', rule: changesRise() }),
  fold: foldHeartbeats(side),
})

const logsOf = ({ states, snapshots, changes }: Watches): LogWatch[] => [states, snapshots, changes]

const orderFaults = (watches: Watches): string[] => logsOf(watches).flatMap((watch) => watch.faults())

const progress = ({ struck, watches, fleet, frozen }: Campaign): string => {
  const { states, snapshots, changes } = watches
  const { all, ahead } = fleet.sent()
  const kills = struck.map(({ service, kills: own }) => `${own} of ${service}`).join(', ')
  return [
    `SIGKILLs: ${kills}; ${frozen.takenOver} shards taken over from frozen relays`,
    `${all} heartbeats (${ahead} by the wrong clock), ${states.count('value')} states, ${states.count('tombstone')} tombstones`,
    `${snapshots.count('mark')} snapshot passes, ${changes.count('value')} changes`,
  ].join('; ')
}

/** What goes backwards is told at once; the end waits for nothing else. */
const tellOnTheWay = async (campaign: Campaign, ended: AbortSignal, print: Print): Promise<void> => {
  const startedAt = performance.now()
  while (!ended.aborted) {
    await pause(TELL_EVERY_MS, ended)
    await Promise.all(logsOf(campaign.watches).map((watch) => watch.readOn()))
    print(
      `${seconds(startedAt)} s: ${progress(campaign)}; ${orderFaults(campaign.watches).length} went backwards`,
    )
  }
}

const strike = async (campaign: Campaign, kills: number, print: Print): Promise<string[]> => {
  const { side, struck, frozen } = campaign
  const ended = new AbortController()
  const besides = Promise.allSettled([
    freezeRelays(side, frozen, ended.signal),
    tellOnTheWay(campaign, ended.signal, print),
  ])
  const faults = await strikeAll(side, { kills, struck })
  ended.abort()
  const failed = (await besides).filter(({ status }) => status === 'rejected')
  return [...faults, ...failed.map((one) => messageOf('reason' in one ? one.reason : one))]
}

/** Once the last heartbeat has gone all the way. */
const settledFaults = async ({ side, watches, fleet }: Campaign, print: Print): Promise<string[]> => {
  const startedAt = performance.now()
  let last: string[] = []
  await eventually(
    async () => (last = await lastValueFaults(side, watches)),
    (faults) => faults.length === 0,
    SETTLE,
  ).then(
    () => print(`the same everywhere ${seconds(startedAt)} s after the last heartbeat`),
    ({ cause }: Error) => {
      if (last.length === 0) last.push(`nothing could be compared: ${messageOf(cause)}`)
    },
  )
  return [...last, ...toldFaults(fleet.told(), watches.fold.heard())]
}

const summarise = (campaign: Campaign, print: Print): void => {
  const { side, watches, struck, frozen } = campaign
  const freezes = struck.map(({ service, freezes: own }) => `${own} of ${service}`).join(', ')
  const fenced = struck.reduce((sum, one) => sum + one.fenced, 0)
  const shards = side.relays.replicas.reduce(
    (sum, one) => sum + countLines(one, 'outbox shard was fenced'),
    0,
  )
  print(progress(campaign))
  print(`SIGSTOPs: ${freezes}, ${frozen.freezes} of command-api; fenced: ${fenced} batches, ${shards} shards`)
  print(`${watches.states.last().size} processes compared`)
}

export const processStateCampaign = async (kills: number, print: Print): Promise<boolean> => {
  const shared = await startTestServers()
  const kafka = await startOwnServer('kafka')
  const side = await openTableSide({ name: 'process-state', kafka: kafka.url })
  const faults: string[] = []
  try {
    const campaign: Campaign = {
      side,
      watches: openWatches(side),
      fleet: openFleet(side.relays),
      struck: side.victims.map(({ service }) => ({
        ...{ service, kills: 0, freezes: 0, fenced: 0, failedCommits: 0 },
      })),
      frozen: { freezes: 0, takenOver: 0 },
    }
    faults.push(...(await strike(campaign, kills, print)))
    faults.push(...(await campaign.fleet.stop()))
    faults.push(...(await settledFaults(campaign, print)))
    faults.push(...orderFaults(campaign.watches), ...[side.relays, ...side.victims].flatMap(endings))
    summarise(campaign, print)
  } finally {
    await side.stop()
    await kafka.stop()
    await shared.stop()
  }
  for (const fault of faults.slice(0, MAX_PRINTED)) print(`  ${fault}`)
  if (faults.length > MAX_PRINTED) print(`  and ${faults.length - MAX_PRINTED} more`)
  return faults.length === 0
}
