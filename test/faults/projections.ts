// The read models under every fault of projectors and of what they need, while a shop goes on selling: SIGKILL and
// SIGSTOP at any moment, MongoDB and Kafka away, records that nobody can read, and two read models built anew, compared
// and switched to in the middle of it. In the end every read model is what the log says.

import { customerDashboard, orderSummary } from '@millrace/domain'
import { startTestServers } from '../../tools/test-servers.ts'
import { startOwnServer } from '../support/own-server.ts'
import { rebuildAndSwitch } from './projections/operator.ts'
import { endings, freezeOne, killOne, takeDown, without, type Blows } from './projections/projector-faults.ts'
import { openReadSide, type ReadSide } from './projections/read-side.ts'
import { readModelFaults } from './projections/read-model-faults.ts'
import { openShop, spoilOrder } from './projections/shop.ts'

const PROJECTORS = 3
const AWAY_MS = 15_000
const REBUILT = [orderSummary.name, customerDashboard.name]

type Print = (line: string) => void

const seconds = (ms: number): string => (ms / 1_000).toFixed(1)

const fate = (work: Promise<unknown>): Promise<string[]> =>
  work.then(
    () => [],
    (error: unknown) => [String(error)],
  )

const rebuildAll = async (side: ReadSide, print: Print): Promise<string[]> => {
  const faults = await Promise.all(
    REBUILT.map((name) =>
      fate(
        rebuildAndSwitch(side.ops, name).then(({ name: build, compared, seconds: took }) =>
          print(`switched to ${build} after ${took.toFixed(1)} s, ${compared} documents compared`),
        ),
      ),
    ),
  )
  return faults.flat()
}

export const projectionsCampaign = async (rounds: number, print: Print): Promise<boolean> => {
  const shared = await startTestServers()
  const [mongo, kafka] = await Promise.all([startOwnServer('mongo'), startOwnServer('kafka')])
  const side = await openReadSide({
    name: 'projections',
    mongo: mongo.url,
    kafka: kafka.url,
    projectors: PROJECTORS,
  })
  const blows: Blows = { kills: 0, freezes: 0, fenced: 0, failedCommits: 0 }
  const spoilt: string[] = []
  const faults: string[] = []
  try {
    const shop = await openShop(side)
    const spoil = async (): Promise<void> => void spoilt.push(await spoilOrder(side))
    await spoil()
    let rebuilding: Promise<string[]> | undefined
    for (let round = 1; round <= rounds; round++) {
      const startedAt = performance.now()
      if (round > rounds / 2) rebuilding ??= rebuildAll(side, print)
      await Promise.all([killOne(side, blows), spoil(), round % 2 === 0 ? freezeOne(side, blows) : undefined])
      faults.push(...endings(side))
      print(`round ${round} of ${rounds}: ${seconds(performance.now() - startedAt)} s`)
    }
    for (const [name, server] of Object.entries({ MongoDB: mongo, Kafka: kafka })) {
      const found = await without(side, server, AWAY_MS)
      faults.push(...found.map((fault) => `${name} away: ${fault}`))
      print(`${name} away for ${seconds(AWAY_MS)} s`)
      await spoil()
    }
    faults.push(...((await rebuilding) ?? []))
    const { answered, faults: refused } = await shop.stop()
    const report = await readModelFaults(side, spoilt)
    faults.push(...refused, ...report.faults)
    await Promise.all(side.projectors.map((projector) => takeDown(projector, blows)))
    print(`${answered} commands, ${report.events} events, ${report.compared} documents equal to the log`)
    print(
      `${blows.kills} SIGKILLs, ${blows.freezes} SIGSTOPs, ${blows.fenced} batches fenced, ${blows.failedCommits} tried again`,
    )
    print(`${spoilt.length} keys spoilt, ${report.parked} events parked`)
    print(`caught up ${seconds(report.catchUpMs)} s after the last command`)
  } finally {
    await side.stop()
    await Promise.all([mongo.stop(), kafka.stop()])
    await shared.stop()
  }
  for (const fault of faults) print(`  ${fault}`)
  return faults.length === 0
}
