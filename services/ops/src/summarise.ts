import type { BuildReport, DifferenceSample } from '@millrace/mongo'
import type { Comparison, DocumentDifference, FieldDifference } from '@millrace/projections'

/** Differences that somebody has declared: a new version is there to make some. */
export type Expected = {
  /** Fields, and all below them: `total` is `total.amount` too. */
  readonly fields: readonly string[]
  /** Documents that only the new build has, or only the old one. */
  readonly isAdding: boolean
  readonly isRemoving: boolean
}

export const nothingExpected: Expected = { fields: [], isAdding: false, isRemoving: false }

export type Found = { readonly comparison: Comparison; readonly against: 'build' | 'log' }

const MAX_SAMPLES = 20
/** Documents may name their fields by what they hold. */
const MAX_FIELDS_TOLD = 100
/** Of a value, as JSON: a whole document may be one, and all of it is one document of the store. */
const MAX_VALUE_LENGTH = 2_000

type Summary = Pick<
  BuildReport,
  'state' | 'different' | 'unexpected' | 'unsettled' | 'isCutShort' | 'byField'
> & { readonly samples: readonly DifferenceSample[] }

type Told = { readonly key: string; readonly samples: readonly DifferenceSample[] }

/** Against the log nothing is expected: there the build itself is wrong. */
export const summarise = (found: readonly Found[], expected: Expected): Summary => {
  const tell = ({ key, fields }: DocumentDifference, against: Found['against']): Told => ({
    key,
    samples: fields.map((field) => toSample(key, field, { against, expected })),
  })
  const told = found.flatMap(({ comparison, against }) =>
    comparison.different.map((one) => tell(one, against)),
  )
  const tolerated = found.flatMap(({ comparison, against }) =>
    comparison.expected.samples.map((one) => tell(one, against)),
  )
  const isUnexpected = ({ samples }: Told): boolean => samples.some(({ isExpected }) => !isExpected)
  const counts = {
    different: distinct(told) + sum(found, ({ expected: { documents } }) => documents),
    unexpected: distinct(told.filter(isUnexpected)),
    unsettled: sum(found, ({ unsettled }) => unsettled.length),
    isCutShort: found.some(({ comparison }) => comparison.isCutShort),
  }
  return {
    state: stateOf(counts),
    ...counts,
    byField: countFields(told, found),
    samples: [...told, ...tolerated]
      .flatMap(({ samples }) => samples)
      .toSorted((a, b) => Number(a.isExpected) - Number(b.isExpected))
      .slice(0, MAX_SAMPLES),
  }
}

const distinct = (documents: readonly Told[]): number => new Set(documents.map(({ key }) => key)).size

const sum = (found: readonly Found[], count: (comparison: Comparison) => number): number =>
  found.reduce((total, { comparison }) => total + count(comparison), 0)

type Counts = Pick<BuildReport, 'different' | 'unexpected' | 'unsettled' | 'isCutShort'>

/** Cut short, it says nothing of the documents that were not looked at. */
const stateOf = ({ different, unexpected, unsettled, isCutShort }: Counts): BuildReport['state'] => {
  if (unexpected > 0 || unsettled > 0 || isCutShort) return 'different'
  return different > 0 ? 'expected' : 'equal'
}

const toSample = (
  key: string,
  { field, one, other }: FieldDifference,
  { against, expected }: { against: 'build' | 'log'; expected: Expected },
): DifferenceSample => ({
  key,
  field,
  against,
  value: clipped(one),
  other: clipped(other),
  isExpected: against === 'build' && isExpectedIn(expected, { field, one, other }),
  event: null,
})

const clipped = (value: unknown): unknown => {
  const text = JSON.stringify(value ?? null)
  return text.length <= MAX_VALUE_LENGTH ? (value ?? null) : `${text.slice(0, MAX_VALUE_LENGTH)}…`
}

export const isExpectedIn = (
  { fields, isAdding, isRemoving }: Expected,
  { field, one, other }: FieldDifference,
): boolean => {
  if (field === '') return (other === null && isAdding) || (one === null && isRemoving)
  return fields.some((name) => field === name || field.startsWith(`${name}.`))
}

const countFields = (told: readonly Told[], found: readonly Found[]): BuildReport['byField'] => {
  const counts = new Map<string, { documents: number; isExpected: boolean }>()
  const count = (field: string, documents: number, isExpected: boolean): void => {
    const known = counts.get(field) ?? { documents: 0, isExpected: true }
    counts.set(field, {
      documents: known.documents + documents,
      isExpected: known.isExpected && isExpected,
    })
  }
  for (const { field, isExpected } of told.flatMap(({ samples }) => samples)) count(field, 1, isExpected)
  for (const { comparison } of found)
    for (const [field, documents] of comparison.expected.byField) count(field, documents, true)
  return [...counts]
    .map(([field, one]) => ({ field, ...one }))
    .toSorted((a, b) => Number(a.isExpected) - Number(b.isExpected) || b.documents - a.documents)
    .slice(0, MAX_FIELDS_TOLD)
}
