import { count, plural, printable, table, valueText } from '../words.ts'
import type { Report, Sample } from './ops-views.ts'

/** Two sentences about what was found, the first of them with the state. */
export const summaryOf = (report: Report): string =>
  [verdictOf(report), ...shareOf(report), ...parkedOf(report)].join('; ')

const verdictOf = (report: Report): string => {
  const { state, against, compared, different, total, error } = report
  switch (state) {
    case 'running':
      return `is being compared with ${otherSide(against)}: ${count(compared)} of ${plural(total, 'document')}`
    case 'equal':
      return `equal to ${otherSide(against)}: ${plural(compared, 'document')} compared`
    case 'expected':
      return `differs from ${otherSide(against)} only in what was declared: ${plural(different, 'document')}`
    case 'different':
      return differencesOf(report)
    case 'failed':
      return `could not be compared with ${otherSide(against)}: ${error ?? 'no reason was given'}`
    case 'abandoned':
      return `its comparison with ${otherSide(against)} was broken off: run it again`
  }
}

const differencesOf = (report: Report): string => {
  const { against, different, unexpected, unsettled, isCutShort } = report
  return [
    unexpected === 0
      ? `could not be compared with ${otherSide(against)} to the end`
      : `DIFFERS from ${sidesOf(report)}: ${plural(unexpected, 'document')}`,
    ...(different > unexpected ? [`${count(different - unexpected)} more as declared`] : []),
    ...(unsettled > 0 ? [`${plural(unsettled, 'document')} could not be settled: run it again`] : []),
    ...(isCutShort ? ['cut short: there are more'] : []),
  ].join(', ')
}

/** As far as the samples tell: two builds may agree with each other and not with the log. */
const sidesOf = ({ against, samples }: Report): string => {
  const sides = new Set(samples.filter(({ isExpected }) => !isExpected).map((sample) => sample.against))
  const names = [...sides].map((side) => (side === 'log' ? 'the log' : against))
  return names.length > 0 ? names.join(' and ') : otherSide(against)
}

const otherSide = (against: string): string => (against === 'log' ? 'the log' : against)

const shareOf = ({ against, logShare, state }: Report): string[] => {
  if (state === 'failed' || state === 'abandoned') return []
  if (logShare === null)
    return against === 'log' ? [] : ['not compared with the log: the event store does not keep its topic']
  const share = logShare === 'all' ? 'all keys' : `${logShare} of the keys`
  return [against === 'log' ? share : `with the log ${share}`]
}

/** What nobody can apply is missing on both sides, so that they agree. */
const parkedOf = ({ parked }: Report): string[] =>
  parked > 0 ? [`without ${plural(parked, 'parked event')}, which no document has`] : []

/** By field, and some of them one by one. Of other tenants' documents there are counts only. */
export const differenceLines = ({ different, byField, samples }: Report): string[] => {
  if (different === 0) return []
  return [
    'by field:',
    ...table(
      byField.map(({ field, documents, isExpected }) => [
        fieldName(field),
        plural(documents, 'document'),
        isExpected ? 'declared' : '',
      ]),
      '  ',
    ),
    ...(samples.length === 0
      ? ['no samples: they are shown of documents of your own tenant, and none of these are']
      : ['samples (of your own tenant):', ...samples.flatMap(sampleLines)]),
  ]
}

/** The whole document, where one side has none. */
const fieldName = (field: string): string => (field === '' ? '(the document)' : printable(field))

const sampleLines = ({ key, field, against, value, other, isExpected, event }: Sample): string[] => {
  const change =
    against === 'build'
      ? `served ${valueText(other)} -> new ${valueText(value)}`
      : `read model ${valueText(value)}, by the log ${valueText(other)}`
  return [
    `  ${printable(key)}  ${fieldName(field)}: ${change}${isExpected ? '  (declared)' : ''}`,
    ...(event ? [`    last changed by ${event.type} ${event.id}`] : []),
  ]
}
