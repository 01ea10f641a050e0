import { differenceLines, summaryOf } from './describe-report.ts'
import { buildIn, type Build, type Progress, type Projection, type Report } from './ops-views.ts'
import { count, duration, plural, printable, rateOf, table } from '../words.ts'

const HEADER = [
  'NAME',
  'KIND',
  'SERVED',
  'PREVIOUS',
  'NEXT',
  'REMAINING',
  'RATE',
  'ETA',
  'PARKED',
  'LAST CHECK',
]

/** The figures are those of the build that is under way, if there is one. */
export const projectionTable = (projections: readonly Projection[]): string[] =>
  table([HEADER, ...projections.map(rowOf)])

const rowOf = (projection: Projection): string[] => {
  const { name, kind, served, previous, isPaused } = projection
  const next = buildIn(projection, 'next')
  const progress = (next ?? buildIn(projection, 'served'))?.progress
  return [
    name,
    kind,
    served,
    previous ?? '-',
    next?.name ?? '-',
    ...(progress
      ? [
          count(progress.remaining),
          rateOf(progress.remaining > 0 ? progress.rate : null),
          isPaused ? 'paused' : duration(progress.etaSeconds),
        ]
      : ['-', '-', '-']),
    progress ? count(progress.parked) : '-',
    lastCheckOf(projection),
  ]
}

const lastCheckOf = ({ builds }: Projection): string => {
  const reports = builds.flatMap((build) =>
    kinds.flatMap((kind) => (build[kind] ? [{ build: build.name, kind, report: build[kind] }] : [])),
  )
  const last = reports.toSorted((a, b) => a.report.startedAt.localeCompare(b.report.startedAt)).at(-1)
  return last ? `${last.report.state} (${last.kind} of ${last.build})` : '-'
}

const kinds = ['comparison', 'verification', 'check'] as const

export const projectionLines = (projection: Projection): string[] => {
  const { name, kind, sources, isPaused, isVerifiable, served, previous, switchingTo, builds } = projection
  return [
    `${name} (${kind}) from ${sources.join(', ')}`,
    `readers get ${served}; the way back is ${previous ?? 'none'}`,
    ...(switchingTo === null ? [] : [`being switched to ${switchingTo}`]),
    ...(isPaused ? [`paused: \`millrace projections resume ${name}\` goes on`] : []),
    ...(isVerifiable ? [] : ['cannot be compared with the log: the event store does not keep its topic']),
    ...builds.flatMap((build) => ['', ...buildLines(build)]),
  ]
}

const buildLines = ({ name, role, startedAt, progress, ...reports }: Build): string[] => [
  `${name}  ${role}, since ${startedAt}`,
  ...(progress ? progressLines(progress) : []),
  ...kinds.flatMap((kind) => reportLines(kind, reports[kind])),
]

export const progressText = ({ applied, total, rate, etaSeconds }: Progress): string =>
  `${count(applied)} of ${plural(total, 'record')}, ${rateOf(rate)}, ${duration(etaSeconds)} left`

const progressLines = (progress: Progress): string[] => {
  const { isCaughtUp, remaining, lagSeconds, parked, late, partitions } = progress
  const behind =
    plural(remaining, 'record') + (lagSeconds === null ? '' : `, ${duration(Math.ceil(lagSeconds))}`)
  return [
    `  ${isCaughtUp ? `caught up, ${behind} behind` : progressText(progress)}`,
    `  ${plural(parked, 'parked event')}, ${plural(late, 'late event')}`,
    ...table(
      [
        ['TOPIC', 'PARTITION', 'NEXT', 'END', ''],
        ...partitions.map(({ topic, partition, nextOffset, endOffset, stopped }) => [
          topic,
          String(partition),
          String(nextOffset),
          String(endOffset),
          stopped === null ? '' : `STOPPED: ${printable(stopped)}`,
        ]),
      ],
      '  ',
    ),
  ]
}

const reportLines = (kind: string, report: Report | null): string[] =>
  report
    ? [
        `  ${kind} of ${report.startedAt}: ${summaryOf(report)}`,
        ...differenceLines(report).map((line) => `    ${line}`),
      ]
    : []
