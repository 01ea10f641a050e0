// Each character can be read in one way only: with two, a string without an end would be tried in 2^length ways.
const CHARACTERS = String.raw`[^"\\\u0000-\u001f]*`
const ESCAPE = String.raw`\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})`
const STRING = `"${CHARACTERS}(?:${ESCAPE}${CHARACTERS})*"`
const NUMBER = String.raw`-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?`
const TOKEN = new RegExp(String.raw`[ \t\n\r]*(?<token>[{}[\],:]|${STRING}|${NUMBER}|true|false|null)?`, 'y')

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing'

/**
 * What stands where the text stops being JSON, with line and column from 1: JSON.parse tells the place of some faults
 * only, and in other words with each release of Node. The text is known not to parse.
 */
export const describeJsonFault = (text: string): string => {
  const at = faultAt(text)
  const before = text.slice(0, at)
  const line = before.split('\n').length
  const place = `line ${line}, column ${at - before.lastIndexOf('\n')}`
  const found = text.codePointAt(at)
  return found === undefined
    ? `it ends too early, at ${place}`
    : `unexpected ${JSON.stringify(String.fromCodePoint(found))} at ${place}`
}

const faultAt = (text: string): number => {
  const open: string[] = []
  let expected: Expected | undefined = 'value'
  let at = 0
  for (;;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const token = match?.groups?.['token'] ?? ''
    at += (match?.[0].length ?? 0) - token.length
    expected = after(expected, token, open)
    if (expected === undefined) return at
    at += token.length
  }
}

/** How the token that is expected begins, and what is expected then. */
const STEPS: Partial<Record<Expected, readonly [begins: string, next: Expected]>> = {
  key: ['"', 'colon'],
  'key-or-end': ['"', 'colon'],
  colon: [':', 'value'],
  'comma-or-end': [',', 'value'],
}

/** What may follow `token`; undefined when it may not stand there. Keeps `open`, the brackets around. */
const after = (expected: Expected, token: string, open: string[]): Expected | undefined => {
  const isInObject = open.at(-1) === '{'
  if (expected.endsWith('-or-end') && token === (isInObject ? '}' : ']')) return afterEnd(open)
  if (expected.startsWith('value')) return afterStartOfValue(token, open)
  const step = STEPS[expected]
  if (step === undefined || !token.startsWith(step[0])) return undefined
  return token === ',' && isInObject ? 'key' : step[1]
}

const afterStartOfValue = (token: string, open: string[]): Expected | undefined => {
  if (token === '{' || token === '[') {
    open.push(token)
    return token === '{' ? 'key-or-end' : 'value-or-end'
  }
  return /^[^}\],:]/.test(token) ? afterValue(open) : undefined
}

const afterEnd = (open: string[]): Expected => {
  open.pop()
  return afterValue(open)
}

const afterValue = (open: readonly string[]): Expected => (open.length === 0 ? 'nothing' : 'comma-or-end')
