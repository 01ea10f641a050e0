import { z } from 'zod'

// What this command line reads of the answers of ops; they may have more.

const partition = z.object({
  topic: z.string(),
  partition: z.number(),
  nextOffset: z.number(),
  endOffset: z.number(),
  stopped: z.string().nullable(),
})

const progress = z.object({
  applied: z.number(),
  total: z.number(),
  remaining: z.number(),
  lagSeconds: z.number().nullable(),
  isCaughtUp: z.boolean(),
  rate: z.number().nullable(),
  etaSeconds: z.number().nullable(),
  parked: z.number(),
  late: z.number(),
  partitions: z.array(partition),
})

const sample = z.object({
  key: z.string(),
  field: z.string(),
  against: z.enum(['build', 'log']),
  value: z.unknown(),
  other: z.unknown(),
  isExpected: z.boolean(),
  event: z.object({ id: z.string(), type: z.string(), sequence: z.number() }).nullable(),
})

const report = z.object({
  state: z.enum(['running', 'equal', 'expected', 'different', 'failed', 'abandoned']),
  against: z.string(),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  compared: z.number(),
  total: z.number(),
  events: z.number(),
  different: z.number(),
  unexpected: z.number(),
  unsettled: z.number(),
  isCutShort: z.boolean(),
  parked: z.number().default(0),
  byField: z.array(z.object({ field: z.string(), documents: z.number(), isExpected: z.boolean() })),
  samples: z.array(sample),
  logShare: z.string().nullable(),
  error: z.string().nullable(),
})

const build = z.object({
  name: z.string(),
  version: z.string(),
  role: z.enum(['served', 'previous', 'next']),
  isToBeServed: z.boolean(),
  startedAt: z.string(),
  progress: progress.nullable(),
  comparison: report.nullable(),
  verification: report.nullable(),
  check: report.nullable(),
})

export const projectionSchema = z.object({
  name: z.string(),
  kind: z.string(),
  version: z.string(),
  sources: z.array(z.string()),
  isVerifiable: z.boolean(),
  isPaused: z.boolean(),
  served: z.string(),
  previous: z.string().nullable(),
  switchingTo: z.string().nullable(),
  builds: z.array(build),
})

export const listSchema = z.object({ items: z.array(projectionSchema) })
export const startedSchema = z.object({ name: z.string(), build: z.string() })
export const pointerSchema = z.object({
  name: z.string(),
  served: z.string(),
  previous: z.string().nullable(),
})
export const pausedSchema = z.object({ name: z.string(), isPaused: z.boolean() })

export type Projection = z.output<typeof projectionSchema>
export type Build = z.output<typeof build>
export type Progress = z.output<typeof progress>
export type Report = z.output<typeof report>
export type Sample = z.output<typeof sample>
export type ReportKind = 'comparison' | 'verification' | 'check'

export const buildIn = ({ builds }: Projection, role: Build['role']): Build | undefined =>
  builds.find((one) => one.role === role)
