import { MAX_JSON_DEPTH } from '../../src/http/scan-json.ts'

type Reader = { readonly text: string; at: number }

const FORBIDDEN = ['__proto__', 'constructor', 'prototype']

/** A fault of the text, by its index. */
class Found extends Error {
  readonly index: number
  constructor(index: number) {
    super('found')
    this.index = index
  }
}

const skipSpace = (reader: Reader): void => {
  while (' \n\t\r'.includes(reader.text[reader.at] ?? 'x')) reader.at += 1
}

/** Reads on to the next token behind `token`. */
const eat = (reader: Reader, token: string): boolean => {
  skipSpace(reader)
  if (!reader.text.startsWith(token, reader.at)) return false
  reader.at += token.length
  return true
}

/** Is the escape of this code unit at `index` half of a pair without the other half? */
const isLone = (raw: string, index: number, unit: number): boolean => {
  if (unit >= 0xd800 && unit < 0xdc00) return !/^\\u[dD][c-fC-F]/.test(raw.slice(index + 6))
  if (unit >= 0xdc00 && unit < 0xe000) return !/\\u[dD][89abAB][0-9a-fA-F]{2}$/.test(raw.slice(0, index))
  return false
}

const readString = (reader: Reader): string => {
  const source = /"(?:[^"\\]|\\.)*"/sy
  source.lastIndex = reader.at
  const raw = source.exec(reader.text)?.[0] ?? ''
  const value = JSON.parse(raw) as string
  for (const { 1: digits, index } of raw.matchAll(/\\u([0-9a-fA-F]{4})|\\./gs)) {
    const unit = digits === undefined ? 1 : Number.parseInt(digits, 16)
    if (unit === 0 || isLone(raw, index, unit)) throw new Found(reader.at + index)
  }
  reader.at += raw.length
  return value
}

const readNumber = (reader: Reader): void => {
  const raw = /-?[0-9.eE+-]+/y
  raw.lastIndex = reader.at
  const text = raw.exec(reader.text)?.[0] ?? ''
  const value = Number(text)
  const isBad =
    !Number.isFinite(value) || Object.is(value, -0) || (/^-?\d+$/.test(text) && changesInteger(text))
  if (isBad) throw new Found(reader.at)
  reader.at += text.length
}

/** An integer is kept if its digits come back. */
const changesInteger = (text: string): boolean => digitsOf(text) !== digitsOf(String(Number(text)))

const digitsOf = (number: string): string => number.replace(/e.*/, '').replace(/[-.]/g, '').replace(/0+$/, '')

const readObject = (reader: Reader, depth: number): void => {
  const seen = new Set<string>()
  if (eat(reader, '}')) return
  do {
    skipSpace(reader)
    const start = reader.at
    const name = readString(reader)
    if (FORBIDDEN.includes(name) || seen.has(name)) throw new Found(start)
    seen.add(name)
    eat(reader, ':')
    readValue(reader, depth)
  } while (eat(reader, ','))
  eat(reader, '}')
}

const readArray = (reader: Reader, depth: number): void => {
  if (eat(reader, ']')) return
  do readValue(reader, depth)
  while (eat(reader, ','))
  eat(reader, ']')
}

const readValue = (reader: Reader, depth: number): void => {
  skipSpace(reader)
  const first = reader.text[reader.at] ?? ''
  if ('{['.includes(first) && depth === MAX_JSON_DEPTH) throw new Found(reader.at)
  if (eat(reader, '{')) return readObject(reader, depth + 1)
  if (eat(reader, '[')) return readArray(reader, depth + 1)
  if (first === '"') return void readString(reader)
  if (['true', 'false', 'null'].some((word) => eat(reader, word))) return
  readNumber(reader)
}

/** Byte offset of the first fault of a JSON text, found the simple way; undefined when it has none. */
export const slowScan = (text: string): number | undefined => {
  try {
    readValue({ text, at: 0 }, 0)
    return undefined
  } catch (error) {
    if (error instanceof Found) return Buffer.byteLength(text.slice(0, error.index))
    throw error
  }
}
