// The write side under every fault that its tests know, again and again, and under load with SIGKILL at any moment.
// After each round and each outage: the store is whole, Kafka has all of it in order, promises are kept.

import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTestServers } from '../../tools/test-servers.ts'
import { startOwnServer, type OwnServer } from '../support/own-server.ts'
import { killBeforeAnswer, killBeforeWrite } from './write-side/kills.ts'
import { promiseFaults, startLoad } from './write-side/load.ts'
import { countRepeats, logFaults } from './write-side/log-faults.ts'
import { withoutKafka, withoutMongo } from './write-side/outages.ts'
import { race, storm } from './write-side/rivals.ts'
import { storeFaults } from './write-side/store-faults.ts'
import { freezeRelay, killRelay } from './write-side/takeover.ts'
import { addProduct, placeOrder } from './write-side/write-call.ts'
import { openWriteSide, type WriteSide } from './write-side/write-side.ts'

const MONGO_AWAY_MS = 30_000
const KAFKA_AWAY_MS = 60_000
const KILLS_UNDER_LOAD = 4
const MAX_BETWEEN_KILLS_MS = 3_000
/** Of one schedule's faults: the later ones mostly say the same. */
const MAX_PRINTED = 20

type Schedule = (side: WriteSide) => Promise<string[]>

const newProduct = (side: WriteSide) => addProduct(side.newId())
const newOrder = (side: WriteSide) => placeOrder(side.newId(), side.newId())

type Totals = { answered: number; kills: number; slowestMs: number }

const killUnderLoad =
  (totals: Totals): Schedule =>
  async (side) => {
    const load = await startLoad(side)
    for (let kill = 0; kill < KILLS_UNDER_LOAD; kill++) {
      await sleep(randomInt(MAX_BETWEEN_KILLS_MS))
      const victim = side.replicas[randomInt(2) === 0 ? 0 : 1]
      await victim.kill()
      await victim.startAgain()
      totals.kills += 1
    }
    const { answered, slowestMs } = await load.stop()
    totals.answered += answered.length
    totals.slowestMs = Math.max(totals.slowestMs, slowestMs)
    return promiseFaults(side, answered)
  }

const inEveryRound = (totals: Totals): Readonly<Record<string, Schedule>> => ({
  'SIGKILL behind the insert': (side) => killBeforeAnswer(side, newProduct(side), 'insert'),
  'SIGKILL behind the transaction': (side) => killBeforeAnswer(side, newOrder(side), 'transaction'),
  'SIGKILL before the insert': (side) => killBeforeWrite(side, newProduct(side), 'insert'),
  'SIGKILL in the transaction': (side) => killBeforeWrite(side, newOrder(side), 'transaction'),
  'SIGKILL behind the publication insert': (side) => killRelay(side, 'behind the publication insert'),
  'SIGKILL between produce and mark': (side) => killRelay(side, 'between produce and mark'),
  'SIGSTOP behind the publication insert': (side) => freezeRelay(side, 'behind the publication insert'),
  'SIGSTOP between produce and mark': (side) => freezeRelay(side, 'between produce and mark'),
  '64 writers on one aggregate': (side) => race(side, { writers: 64, rounds: 1 }),
  'storm of repeated commands': (side) => storm(side, { calls: 20, repeats: 10 }),
  [`${KILLS_UNDER_LOAD} SIGKILLs under load`]: killUnderLoad(totals),
})

const once = (mongo: OwnServer, kafka: OwnServer): Readonly<Record<string, Schedule>> => ({
  'MongoDB away for 30 s': (side) => withoutMongo(side, { ...mongo, lastsMs: MONGO_AWAY_MS }),
  'Kafka away for 60 s': (side) => withoutKafka(side, { ...kafka, lastsMs: KAFKA_AWAY_MS }),
})

type Row = { readonly runs: number; readonly faults: readonly string[] }

export const writeSideCampaign = async (rounds: number, print: (line: string) => void): Promise<boolean> => {
  const shared = await startTestServers()
  const [mongo, kafka] = await Promise.all([startOwnServer('mongo'), startOwnServer('kafka')])
  const side = await openWriteSide({ name: 'write-side', mongo: mongo.url, kafka: kafka.url })
  const table = new Map<string, Row>()
  const totals: Totals = { answered: 0, kills: 0, slowestMs: 0 }

  const runAll = async (schedules: Readonly<Record<string, Schedule>>): Promise<void> => {
    for (const [name, schedule] of Object.entries(schedules)) {
      const faults = await schedule(side).catch((error: unknown) => [String(error)])
      for (const fault of faults.slice(0, MAX_PRINTED)) print(`  ${name}: ${fault}`)
      if (faults.length > MAX_PRINTED) print(`  ${name}: and ${faults.length - MAX_PRINTED} more`)
      const { runs, faults: before } = table.get(name) ?? { runs: 0, faults: [] }
      table.set(name, { runs: runs + 1, faults: [...before, ...faults] })
    }
  }
  const whole = { 'the store is whole': storeFaults, 'Kafka has it all, in order': logFaults }

  try {
    for (let round = 1; round <= rounds; round++) {
      const startedAt = performance.now()
      await runAll({ ...inEveryRound(totals), ...whole })
      print(`round ${round} of ${rounds}: ${((performance.now() - startedAt) / 1_000).toFixed(1)} s`)
    }
    await runAll({ ...once(mongo, kafka), ...whole })
    printSummary(print, table, [
      `${totals.answered} commands answered under load, the slowest after ${Math.round(totals.slowestMs)} ms`,
      `${totals.kills} SIGKILLs under load, ${countRepeats(side)} repeats in Kafka`,
    ])
    return [...table.values()].every(({ faults }) => faults.length === 0)
  } finally {
    await side.stop()
    await Promise.all([mongo.stop(), kafka.stop()])
    await shared.stop()
  }
}

const printSummary = (
  print: (line: string) => void,
  table: ReadonlyMap<string, Row>,
  totals: readonly string[],
): void => {
  const width = Math.max(...[...table.keys()].map(({ length }) => length))
  print(`${'schedule'.padEnd(width)}  runs  faults`)
  for (const [name, { runs, faults }] of table)
    print(`${name.padEnd(width)}  ${String(runs).padStart(4)}  ${String(faults.length).padStart(6)}`)
  totals.forEach(print)
}
