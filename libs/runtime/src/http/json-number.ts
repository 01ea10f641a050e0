/** Significant digits: 17 name a double, and some writers give them all; more say what no double holds. */
const MAX_DIGITS = 17

const NUMBER = /^-?(?<whole>\d+)(?:\.(?<fraction>\d+))?(?:[eE](?<exponent>[+-]?\d+))?$/

type Decimal = { readonly digits: string; readonly exponent: number }

/** `text` as digits without zeros around them, times a power of ten; undefined when it is no number. */
const decimalOf = (text: string): Decimal | undefined => {
  const groups = NUMBER.exec(text)?.groups
  if (!groups) return undefined
  const { whole = '', fraction = '', exponent = '0' } = groups
  const all = whole + fraction
  const first = all.search(/[1-9]/)
  if (first < 0) return { digits: '', exponent: 0 }
  let end = all.length
  while (all.charCodeAt(end - 1) === 0x30) end -= 1
  return { digits: all.slice(first, end), exponent: Number(exponent) - fraction.length + all.length - end }
}

/** Nearly all that come here, without taking them apart. */
const isShortEnough = (text: string, value: number): boolean => {
  // Fifteen digits always come back, and nought has its own question: what was it before?
  if (text.length <= 15) return value !== 0
  if (Number.isSafeInteger(value)) return /^-?[1-9]\d*$/.test(text)
  return /^-?0\.\d{1,17}$/.test(text)
}

/**
 * Would `JSON.parse` make another number of this one without a word? An integer, however it is written, must come out as it
 * is; a fraction is rounded as everywhere, but nothing may become infinite, nought, minus nought or an integer. Text that is
 * no number is left to the parser.
 */
export const isAlteredByParsing = (text: string): boolean => {
  const value = Number(text)
  if (Number.isNaN(value)) return false
  if (!Number.isFinite(value) || Object.is(value, -0)) return true
  if (isShortEnough(text, value)) return false
  const given = decimalOf(text)
  if (!given) return false
  if (given.digits.length > MAX_DIGITS) return true
  if (!Number.isInteger(value)) return false
  const kept = decimalOf(String(value))
  return kept?.digits !== given.digits || kept.exponent !== given.exponent
}
