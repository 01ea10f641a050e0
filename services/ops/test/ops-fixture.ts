import { randomUUID } from 'node:crypto'
import { orderSummary, processes, type AnyProjection, type ProjectionCode } from '@millrace/domain'
import type { Build, BuildReport, BuildReports, Builds } from '@millrace/mongo'

export const NAME = orderSummary.name

const known: readonly AnyProjection[] = [orderSummary, processes]

export const code: ProjectionCode = {
  newest: (name) => known.find((projection) => projection.name === name) ?? null,
  version: (name, version) =>
    known.find((projection) => projection.name === name && projection.version === version) ?? null,
}

export const buildOf = (name: string, more: Partial<Build> = {}): Build => ({
  name,
  version: 'v1',
  startedAt: new Date(0),
  ...more,
})

export const buildsOf = (more: Partial<Builds> = {}): Builds => ({
  projection: NAME,
  served: 'v1',
  previous: null,
  switchingTo: null,
  isPaused: false,
  builds: [buildOf('v1'), buildOf('v1.1')],
  retired: [],
  ...more,
})

export const reportOf = (more: Partial<BuildReport> = {}): BuildReport => ({
  build: `${NAME}.v1.1`,
  kind: 'comparison',
  run: randomUUID(),
  against: `${NAME}.v1`,
  state: 'equal',
  startedAt: new Date(1_000),
  beatAt: new Date(1_000),
  endedAt: new Date(2_000),
  compared: 10,
  total: 10,
  events: 20,
  different: 0,
  unexpected: 0,
  unsettled: 0,
  isCutShort: false,
  byField: [],
  samples: [],
  logShare: 'all',
  error: null,
  ...more,
})

export const runningReport = (more: Partial<BuildReport> = {}): BuildReport =>
  reportOf({ state: 'running', startedAt: new Date(), beatAt: new Date(), endedAt: null, ...more })

export type MemoryReports = BuildReports & {
  readonly puts: BuildReport[]
  /** Of each put from now on. */
  fails: boolean
}

export const memoryReports = (): MemoryReports => {
  const held = new Map<string, BuildReport>()
  const keyOf = ({ build, kind }: Pick<BuildReport, 'build' | 'kind'>): string => `${build}/${kind}`
  const reports: MemoryReports = {
    puts: [],
    fails: false,
    begin: async (report, abandonedBefore) => {
      const there = held.get(keyOf(report))
      if (there?.state === 'running' && there.beatAt >= abandonedBefore) return false
      held.set(keyOf(report), report)
      return true
    },
    put: async (report) => {
      if (reports.fails) throw new Error('the store is away')
      if (held.get(keyOf(report))?.run !== report.run) return false
      held.set(keyOf(report), report)
      reports.puts.push(report)
      return true
    },
    get: async (build, kind) => held.get(keyOf({ build, kind })),
    remove: async (build) => {
      for (const [key, report] of held) if (report.build === build) held.delete(key)
    },
  }
  return reports
}
