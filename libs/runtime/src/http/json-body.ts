import { describeJsonFault } from './json-fault.ts'
import { problems } from './problem.ts'
import { scanJson } from './scan-json.ts'

/** Looks at the bytes first: 400 for what a parser would pass on or could not bear. Then they are UTF-8. */
const scan = (raw: Buffer): string => {
  const fault = scanJson(raw)
  if (fault) throw problems.badRequest(`the body has ${fault.reason}, at byte ${fault.offset}`)
  return raw.toString('utf8')
}

/** The body as JSON; 400 for bytes that are not UTF-8, not JSON, or not to be trusted. */
export const parseJsonBody = (raw: Buffer): unknown => {
  const text = scan(raw)
  try {
    return JSON.parse(text)
  } catch {
    throw problems.badRequest(`the body is not JSON: ${describeJsonFault(text)}`)
  }
}

/** Far above what any route takes; the scan does not count values that only a line break parts. */
const MAX_LINES = 20_000

/** Each line as a value; empty lines are none, though they count. */
export const parseNdjsonBody = (raw: Buffer): unknown[] => {
  const lines = scan(raw).split('\n', MAX_LINES + 1)
  if (lines.length > MAX_LINES) throw problems.badRequest(`the body has more than ${MAX_LINES} lines`)
  return lines.flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]))
}

const parseLine = (line: string, number: number): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw problems.badRequest(`line ${number} is not JSON: ${describeJsonFault(line)}`)
  }
}
