import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@millrace/testkit'
import type { OwnServer } from '../../support/own-server.ts'
import type { Projector, ReadSide } from './read-side.ts'

export type Blows = { kills: number; freezes: number; fenced: number; failedCommits: number }

const MAX_BETWEEN_MS = 2_000
/** Some of the pauses last longer than the group waits for a silent member (10 s). */
const FREEZE_MS = { least: 1_000, most: 14_000 }

const count = ({ process }: Projector, message: string): number =>
  process()
    .log()
    .filter(({ msg }) => msg === message).length

const metricOf = async ({ process }: Projector, name: string): Promise<number> => {
  const text = await (await fetch(new URL('/metrics', process().admin))).text()
  const values = [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'gm'))]
  return values.reduce((sum, match) => sum + Number(match[1]), 0)
}

/** What a process can tell is told before it goes. */
export const takeDown = async (projector: Projector, blows: Blows): Promise<void> => {
  blows.fenced += await metricOf(projector, 'millrace_projection_fenced_total').catch(() => 0)
  blows.failedCommits += count(projector, 'records will be applied again')
}

/** Any of them, at any moment. */
const pickVictim = async ({ projectors }: ReadSide): Promise<Projector> => {
  await sleep(randomInt(MAX_BETWEEN_MS))
  return projectors[randomInt(projectors.length)] as Projector
}

export const killOne = async (side: ReadSide, blows: Blows): Promise<void> => {
  const victim = await pickVictim(side)
  await takeDown(victim, blows)
  await victim.process().kill()
  await victim.startAgain()
  blows.kills += 1
}

export const freezeOne = async (side: ReadSide, blows: Blows): Promise<void> => {
  const victim = await pickVictim(side)
  victim.process().freeze()
  await sleep(randomInt(FREEZE_MS.least, FREEZE_MS.most))
  victim.process().thaw()
  blows.freezes += 1
}

const HEALTH_TIMEOUT_MS = 60_000

/** 0 of a process that has ended. */
const statuses = ({ projectors }: ReadSide, path: string): Promise<number[]> =>
  Promise.all(
    projectors.map(({ process }) =>
      fetch(new URL(path, process().admin)).then(
        ({ status }) => status,
        () => 0,
      ),
    ),
  )

/** What those have said that have ended by themselves. */
export const endings = ({ projectors }: ReadSide): string[] =>
  projectors
    .filter(({ process }) => !process().isAlive())
    .map(({ process }) => `a projector ended: ${JSON.stringify(process().log().slice(-3))}`)

/** A server is away for a while: projectors live on, and are ready again afterwards. */
export const without = async (
  side: ReadSide,
  { goDown, comeBack }: OwnServer,
  lastsMs: number,
): Promise<string[]> => {
  await goDown()
  await sleep(lastsMs)
  const live = await statuses(side, '/livez')
  await comeBack()
  const faults = live.some((status) => status !== 200) ? [`/livez was answered with ${live.join()}`] : []
  await eventually(
    () => statuses(side, '/readyz'),
    (all) => all.every((status) => status === 200),
    { timeoutMs: HEALTH_TIMEOUT_MS },
  ).catch((error: unknown) => faults.push(`not ready again: ${String(error)}`))
  return [...faults, ...endings(side)]
}
