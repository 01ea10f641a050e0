import type { BuildReport, Builds } from '@millrace/mongo'
import { z } from 'zod'
import { isInStore } from '../build-check.ts'
import type { BuildProgress } from '../build-progress.ts'
import { isAbandoned } from '../keep-report.ts'
import type { BuildView, ProjectionView } from '../operations.ts'

const time = z.iso.datetime()

const progress = z.strictObject({
  applied: z.int().describe('Records of the log that are done.'),
  total: z.int(),
  remaining: z
    .int()
    .describe('Records; of compacted topics those that are left, and beyond 10,000 of a partition offsets.'),
  lagSeconds: z
    .number()
    .nullable()
    .describe('Age of the oldest record of a compacted topic that is not done; null where there is none.'),
  isCaughtUp: z.boolean().describe('It may be compared, and switched to.'),
  rate: z.number().nullable().describe('Records a second since the last look, or since the start.'),
  etaSeconds: z.int().nullable(),
  parked: z.int().describe('Events that are set aside.'),
  late: z.int().describe('Events that came after the grace of their window.'),
  partitions: z.array(
    z.strictObject({
      topic: z.string(),
      partition: z.int(),
      nextOffset: z.int(),
      endOffset: z.int(),
      waiting: z
        .strictObject({ records: z.int(), sinceMs: z.int().nullable() })
        .nullable()
        .describe('Of a compacted topic: records between the two offsets, and when the oldest was written.'),
      stopped: z.string().nullable().describe('Why this partition has stopped.'),
    }),
  ),
})

const sample = z.strictObject({
  key: z.string().describe('`<tenant>/<key>`'),
  field: z.string().describe('`total.amount`; empty where one side has no such document.'),
  against: z.enum(['build', 'log']),
  value: z.unknown(),
  other: z.unknown(),
  isExpected: z.boolean(),
  event: z
    .strictObject({ id: z.string(), type: z.string(), sequence: z.int() })
    .nullable()
    .describe('The event that last changed the field, by the log.'),
})

const report = z.strictObject({
  state: z
    .enum(['running', 'equal', 'expected', 'different', 'failed', 'abandoned'])
    .describe('`expected`: different in nothing but what was declared. `abandoned`: its process is gone.'),
  against: z.string().describe('The other build, or `log`.'),
  startedAt: time,
  endedAt: time.nullable(),
  compared: z.int(),
  total: z.int(),
  events: z.int().describe('Events of the log that were looked at.'),
  different: z.int(),
  unexpected: z.int(),
  unsettled: z
    .int()
    .describe('Documents that both sides never showed at one position: neither equal nor different.'),
  isCutShort: z.boolean().describe('Too many differed: the others were not looked at.'),
  parked: z
    .int()
    .describe(
      'Events that the build has set aside: its documents lack them, and so does the fold of the log.',
    ),
  byField: z.array(z.strictObject({ field: z.string(), documents: z.int(), isExpected: z.boolean() })),
  samples: z.array(sample).describe('Some of the differences, of your own tenant.'),
  logShare: z.string().nullable().describe('Part of the keys that were compared with the log.'),
  error: z.string().nullable(),
})

const build = z.strictObject({
  name: z.string(),
  version: z.string().describe('Of the code that folds it.'),
  role: z.enum(['served', 'previous', 'next']),
  isToBeServed: z.boolean().describe('Of a reset: it is served once it is found to be what the log says.'),
  startedAt: time,
  progress: progress.nullable(),
  comparison: report.nullable(),
  verification: report.nullable(),
  check: report.nullable().describe('The routine one: a bucket of keys at a time.'),
})

export const projectionSchema = z.strictObject({
  name: z.string(),
  kind: z.string(),
  version: z.string().describe('The newest that the code has.'),
  sources: z.array(z.string()),
  isVerifiable: z.boolean().describe('The event store keeps all that it is made from.'),
  isPaused: z.boolean(),
  served: z.string(),
  previous: z.string().nullable(),
  switchingTo: z.string().nullable(),
  builds: z.array(build),
})

export const pointerSchema = z.strictObject({
  name: z.string(),
  served: z.string(),
  previous: z.string().nullable(),
})

export const toPointer = ({ projection, served, previous }: Builds): z.input<typeof pointerSchema> => ({
  name: projection,
  served,
  previous,
})

/** Counts are of all tenants; documents are shown of the caller's own only. */
const toReport = (found: BuildReport | undefined, tenant: string): z.input<typeof report> | null => {
  if (!found) return null
  const { build: _build, kind: _kind, run: _run, beatAt: _beatAt, startedAt, endedAt, state, ...rest } = found
  return {
    ...rest,
    parked: rest.parked ?? 0,
    byField: [...rest.byField],
    samples: rest.samples.filter(({ key }) => key.startsWith(`${tenant}/`)),
    state: isAbandoned(found) ? 'abandoned' : state,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
  }
}

const toProgress = (found: BuildProgress | null): z.input<typeof progress> | null =>
  found && { ...found, partitions: [...found.partitions] }

const toBuild = (view: BuildView, tenant: string): z.input<typeof build> => ({
  name: view.build.name,
  version: view.build.version,
  role: view.role,
  isToBeServed: view.build.isToBeServed ?? false,
  startedAt: view.build.startedAt.toISOString(),
  progress: toProgress(view.progress),
  comparison: toReport(view.comparison, tenant),
  verification: toReport(view.verification, tenant),
  check: toReport(view.check, tenant),
})

export const toProjection = (
  { projection, builds: { isPaused, served, previous, switchingTo }, views }: ProjectionView,
  tenant: string,
): z.input<typeof projectionSchema> => ({
  name: projection.name,
  kind: projection.kind,
  version: projection.version,
  sources: [...projection.sources],
  isVerifiable: isInStore(projection),
  isPaused,
  served,
  previous,
  switchingTo,
  builds: views.map((view) => toBuild(view, tenant)),
})
