import { describe, expect, it } from '@jest/globals'
import { processes } from '@millrace/domain'
import type { Build, BuildRegistry, BuildReport, Builds } from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import type { BuildProgress } from '../src/build-progress.ts'
import { serveResets } from '../src/serve-resets.ts'
import { buildOf, buildsOf, code, memoryReports, reportOf } from './ops-fixture.ts'

const progress = (isCaughtUp: boolean, stopped: string | null): BuildProgress => ({
  ...{ applied: 1, total: 1, remaining: 0, lagSeconds: null, isCaughtUp, rate: null, etaSeconds: null },
  ...{ parked: 0, late: 0 },
  partitions: [
    { topic: 'orders.order.events', partition: 0, nextOffset: 1, endOffset: 1, waiting: null, stopped },
  ],
})

const resetBuild = buildOf('v1.1', { isToBeServed: true })

type Given = {
  readonly known?: BuildReport
  readonly finds?: Partial<BuildReport> | undefined
  readonly next?: Build
  readonly more?: Partial<Builds>
  readonly isCaughtUp?: boolean
  readonly stopped?: string
}

/** Looks a few times; what was checked and what was switched to. */
const looked = async (given: Given) => {
  const { known, finds, next = resetBuild, more = {}, isCaughtUp = true, stopped = null } = given
  const reports = memoryReports()
  if (known) await reports.begin(known, new Date(0))
  const [checked, switched]: [string[], string[]] = [[], []]
  let looks = 0
  const builds = buildsOf({ builds: [buildOf('v1'), next], ...more })
  const ended = new AbortController()
  const done = serveResets({
    registry: {
      all: async () => {
        looks += 1
        return switched.length > 0 ? [] : [builds]
      },
      switchTo: async (_, build) => void switched.push(build),
    } as BuildRegistry,
    ...{ reports, code, logger: silentLogger, signal: ended.signal, lookEveryMs: 1 },
    progressOf: async () => new Map([[next.name, progress(isCaughtUp, stopped)]]),
    check: async ({ build, kind, keys }) => {
      checked.push(`${build.name} ${kind} ${keys === 'all' ? keys : 'some'}`)
      if (!finds) return undefined
      const report = reportOf({ kind: 'verification', against: 'log', endedAt: new Date(), ...finds })
      await reports.begin(report, new Date())
      return report
    },
  })
  await eventually(
    () => looks,
    (count) => count > 3,
  )
  ended.abort()
  await done
  return { checked, switched }
}

const verification = (more: Partial<BuildReport>): BuildReport =>
  reportOf({ kind: 'verification', against: 'log', endedAt: new Date(), ...more })

const DIFFERENT = { state: 'different', different: 1, unexpected: 1 } as const

describe('a reset', () => {
  it('is served once all of it was found to be what the log says', async () => {
    expect(await looked({ finds: { state: 'equal' } })).toEqual({
      checked: ['v1.1 verification all'],
      switched: ['v1.1'],
    })
  })

  it('is not served when it differs, and waits for an operator: it is not checked again', async () => {
    expect(await looked({ finds: DIFFERENT })).toEqual({ checked: ['v1.1 verification all'], switched: [] })
  })

  it('waits until it has caught up', async () => {
    expect(await looked({ isCaughtUp: false })).toEqual({ checked: [], switched: [] })
  })

  it('that was found equal before the process ended is served by the next one', async () => {
    expect(await looked({ known: verification({ state: 'equal' }) })).toEqual({
      checked: [],
      switched: ['v1.1'],
    })
  })

  it.each([
    ['failed', { state: 'failed', error: 'the store was away' }],
    ['left documents open', { state: 'different', unexpected: 0, unsettled: 2 }],
  ] as const)('whose check %s is checked again, after a while', async (_, found) => {
    const now = await looked({ known: verification(found) })
    expect(now.checked).toEqual([])
    const later = await looked({
      known: verification({ ...found, endedAt: new Date(Date.now() - 60_000) }),
      finds: { state: 'equal' },
    })
    expect(later.switched).toEqual(['v1.1'])
  })

  it('waits while the projection is paused, and for ever when one of its partitions has stopped', async () => {
    const finds = { state: 'equal' } as const
    expect(await looked({ finds, more: { isPaused: true } })).toEqual({ checked: [], switched: [] })
    expect(await looked({ finds, stopped: 'a gap' })).toEqual({ checked: [], switched: [] })
  })

  it('is left to the process that checks it already', async () => {
    const { checked, switched } = await looked({})
    expect([checked.length > 1, switched]).toEqual([true, []])
  })

  it('of what the store does not keep is served when it has caught up', async () => {
    const more = { projection: processes.name }
    const next = buildOf('v1.1', { isToBeServed: true, version: processes.version })
    expect(await looked({ more, next })).toEqual({ checked: [], switched: ['v1.1'] })
  })

  it('is none where an operator rebuilds, or where readers get it already', async () => {
    expect((await looked({ next: buildOf('v1.1') })).switched).toEqual([])
    expect((await looked({ more: { served: 'v1.1', previous: 'v1' } })).switched).toEqual([])
    expect((await looked({ more: { projection: 'gone' } })).switched).toEqual([])
  })
})
