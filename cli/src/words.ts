// How figures and values of the ops API are written for people.

const MAX_VALUE = 120

export const count = (value: number): string => Math.round(value).toLocaleString('en-US')

export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`

export const rateOf = (rate: number | null): string => (rate === null ? '-' : `${count(rate)}/s`)

export const duration = (seconds: number | null): string => {
  if (seconds === null) return '-'
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** What somebody's data holds must not move the cursor or colour the terminal. */
export const printable = (text: string): string =>
  text.replaceAll(/\p{C}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Null where a side has no such field, or no such document. */
export const valueText = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing'
  const text = printable(JSON.stringify(value))
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
}

/** Columns as wide as they have to be; the last one is not filled up. */
export const table = (rows: readonly (readonly string[])[], indent = ''): string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows.map(
    (row) =>
      indent +
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
  )
}
