// What cannot be seen after JSON.parse, or only after it has cost what it may: one pass over the bytes of a body, before
// they are parsed. It follows brackets, strings and numbers and knows nothing else of the grammar, so of bytes that are
// not JSON it may report nothing: the parser refuses those. Values one after the other (NDJSON) are scanned as one body.
//
// Bytes at which a body cannot go on, such as those that are not UTF-8, are found first, by what Node does natively. The
// pass ends before them; a fault that it finds came earlier.

import { isUtf8 } from 'node:buffer'
import { makeJsonNames, type NameFault } from './json-names.ts'
import { isAlteredByParsing } from './json-number.ts'
import { findUtf8Fault } from './utf8-fault.ts'

/** Deeper values break those who read them later: `JSON.stringify` and `structuredClone` recurse. */
export const MAX_JSON_DEPTH = 32
/**
 * Names in all objects together. The fullest bodies that routes take have 8,000 (a thousand heartbeats) and, at 1 MiB, some
 * 16,000 (400 events of 40 fields); each costs the validator more than the parser.
 */
export const MAX_JSON_NAMES = 20_000
/** Of one object; the widest that a route takes has some ten. */
export const MAX_NAMES_PER_OBJECT = 256
/** Values, counted by commas and opening brackets: a fifth of what fits into 1 MiB. */
export const MAX_JSON_VALUES = 100_000

/** `offset` in bytes; `reason` completes "the body has …". */
export type JsonFault = { readonly offset: number; readonly reason: string }

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a
const MINUS = 0x2d
const LOWER_U = 0x75
const OPENING_BRACE = 0x7b

const tableOf = (kinds: Readonly<Record<string, number>>): Uint8Array => {
  const table = new Uint8Array(256)
  for (const [characters, kind] of Object.entries(kinds)) {
    for (const character of characters) table[character.charCodeAt(0)] = kind
  }
  return table
}

const SKIPPED = 0
const STRING = 1
const NUMBER = 2
const COMMA = 3
const OPENING = 4
const CLOSING = 5
/** What begins with a byte that is in no string. */
const KINDS = tableOf({ '"': STRING, '-0123456789': NUMBER, ',': COMMA, '{[': OPENING, '}]': CLOSING })

const IN_EXPONENT = 2
const IN_NUMBER = tableOf({ '0123456789+-.': 1, eE: IN_EXPONENT })
/** Shorter numbers are what they say, unless they have an exponent or are minus nought. */
const MAX_PLAIN_LENGTH = 15

const IS_SPACE = tableOf({ ' \n\r\t': 1 })
const FORBIDDEN = ['__proto__', 'constructor', 'prototype']
const FORBIDDEN_BYTES = FORBIDDEN.map((name) => Buffer.from(name))
/** One more than the digit's value. */
const HEX_DIGITS = tableOf(
  Object.fromEntries([...'0123456789abcdef'].map((digit, value) => [digit + digit.toUpperCase(), value + 1])),
)
const MAX_QUOTED_LENGTH = 64
const NOTHING = Buffer.alloc(0)

// State of the scan that runs: being synchronous, there is one at a time.
let body: Buffer = NOTHING
let fault: JsonFault | undefined
let depth = 0
let nameCount = 0
let valueCount = 0
/** Per depth; nothing is open at 0. */
const isObject = new Uint8Array(MAX_JSON_DEPTH + 1)
const names = makeJsonNames(MAX_NAMES_PER_OBJECT, MAX_JSON_DEPTH)

/** The first fault of a body that `JSON.parse` would not refuse or could not afford; undefined when it may be parsed. */
export const scanJson = (bytes: Buffer): JsonFault | undefined => {
  const ending = findEnding(bytes)
  body = ending ? bytes.subarray(0, ending.offset) : bytes
  fault = undefined
  depth = nameCount = valueCount = 0
  names.begin(body)
  scanTokens(body, body.length)
  body = NOTHING
  names.begin(NOTHING)
  return fault ?? ending
}

const findEnding = (bytes: Buffer): JsonFault | undefined => {
  const nul = bytes.indexOf(0)
  const text = nul < 0 ? bytes : bytes.subarray(0, nul)
  if (!isUtf8(text)) return { offset: findUtf8Fault(text), reason: 'bytes that are not UTF-8' }
  if (nul >= 0) return { offset: nul, reason: 'the character U+0000' }
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
  return hasMark ? { offset: 0, reason: 'a byte order mark' } : undefined
}

/** Behind the end of every body. */
const STOP = 2 ** 30

/** Gives where the scan goes on. */
const refuse = (offset: number, reason: string): number => {
  fault ??= { offset, reason }
  return STOP
}

// eslint-disable-next-line complexity -- because calls in this loop would double the time of the pass
const scanTokens = (bytes: Buffer, end: number): void => {
  let at = 0
  while (at < end) {
    const start = at
    const kind = KINDS[bytes[at++] ?? 0]
    if (kind === SKIPPED) continue
    if (kind === STRING) {
      let byte = 0
      while (at < end && (byte = bytes[at] ?? 0) !== QUOTE && byte !== BACKSLASH) at += 1
      at = byte === BACKSLASH ? endEscapedString(start, at) : endString(start, at)
    } else if (kind === NUMBER) {
      let marks = 0
      for (let mark; at < end && (mark = IN_NUMBER[bytes[at] ?? 0] ?? 0) !== 0; at++) marks |= mark
      if (at - start > MAX_PLAIN_LENGTH || marks >= IN_EXPONENT || bytes[start] === MINUS)
        at = endNumber(start, at)
    } else at = scanStructure(start)
  }
}

const scanStructure = (at: number): number => {
  const kind = KINDS[body[at] ?? 0]
  if (kind === CLOSING) return close(at)
  valueCount += 1
  if (valueCount > MAX_JSON_VALUES) return refuse(at, `more than ${MAX_JSON_VALUES} values`)
  return kind === OPENING ? open(at) : at + 1
}

const open = (at: number): number => {
  if (depth === MAX_JSON_DEPTH) return refuse(at, `more than ${MAX_JSON_DEPTH} levels`)
  depth += 1
  isObject[depth] = body[at] === OPENING_BRACE ? 1 : 0
  names.open(depth)
  return at + 1
}

const close = (at: number): number => {
  // A bracket too many is the parser's.
  if (depth === 0) return STOP
  names.close(depth)
  depth -= 1
  return at + 1
}

const endNumber = (start: number, end: number): number => {
  // Of the short ones only those that begin with nought can be minus nought; most others begin otherwise.
  const text = textOf(start, end)
  const isPlain = text.length <= MAX_PLAIN_LENGTH && /^-[1-9][0-9.]*$/.test(text)
  if (isPlain || !isAlteredByParsing(text)) return end
  return refuse(start, 'a number that would not be kept as it is written')
}

const textOf = (start: number, end: number): string => body.toString('utf8', start, end)

/** `open` and `close` are the places of the quotes. Gives the next token, or what is behind the colon after a name. */
const endString = (open: number, close: number): number => {
  const next = afterSpace(close + 1)
  return isColon(next) ? addName(open, close, next) : next
}

const isColon = (at: number): boolean => at < body.length && body[at] === COLON && isObject[depth] === 1

const afterSpace = (start: number): number => {
  let at = start
  while (at < body.length && IS_SPACE[body[at] ?? 0] === 1) at += 1
  return at
}

const addName = (open: number, close: number, colon: number): number => {
  nameCount += 1
  if (nameCount > MAX_JSON_NAMES) return refuse(open, `more than ${MAX_JSON_NAMES} names`)
  if (isForbidden(open + 1, close)) return refuseName(open, close)
  const nameFault = names.addPlain(open + 1, close, depth)
  return nameFault === undefined ? colon + 1 : refuseOneMore(open, close, nameFault)
}

const isForbidden = (start: number, end: number): boolean => {
  for (const name of FORBIDDEN_BYTES) if (name.length === end - start && isAt(start, name)) return true
  return false
}

/** Without a call into native code, which costs more than the whole name. */
const isAt = (start: number, name: Buffer): boolean => {
  for (let at = 0; at < name.length; at++) if (body[start + at] !== name[at]) return false
  return true
}

/** The same as `endString` for a string whose first backslash is at `start`. */
const endEscapedString = (open: number, start: number): number => {
  let at = start
  while (at < body.length && body[at] !== QUOTE) {
    if (body[at] !== BACKSLASH) at += 1
    else if (body[at + 1] === LOWER_U) at = scanUnicodeEscape(at)
    else at += 2
  }
  if (at >= body.length) return at
  const next = afterSpace(at + 1)
  return isColon(next) ? addEscapedName(open, at, next) : next
}

const scanUnicodeEscape = (at: number): number => {
  const unit = escapedUnit(at)
  if (unit === 0) return refuse(at, 'the character U+0000')
  if (unit < 0xd800 || unit > 0xdfff) return at + 6
  const low = unit < 0xdc00 ? escapedUnit(at + 6) : -1
  return low < 0xdc00 || low > 0xdfff ? refuse(at, 'half of a surrogate pair') : at + 12
}

/** The code unit of an escape with u; -1 when there is none, or a malformed one. */
const escapedUnit = (at: number): number => {
  if (body[at] !== BACKSLASH || body[at + 1] !== LOWER_U || at + 6 > body.length) return -1
  let unit = 0
  for (let place = at + 2; place < at + 6; place++) {
    const digit = (HEX_DIGITS[body[place] ?? 0] ?? 0) - 1
    if (digit < 0) return -1
    unit = unit * 16 + digit
  }
  return unit
}

const addEscapedName = (open: number, close: number, colon: number): number => {
  nameCount += 1
  if (nameCount > MAX_JSON_NAMES) return refuse(open, `more than ${MAX_JSON_NAMES} names`)
  const name = decode(open, close)
  if (name === undefined) return STOP
  if (FORBIDDEN.includes(name)) return refuseName(open, close)
  const nameFault = names.addDecoded(name, depth)
  return nameFault === undefined ? colon + 1 : refuseOneMore(open, close, nameFault)
}

const refuseOneMore = (open: number, close: number, nameFault: NameFault): number =>
  nameFault === 'twice'
    ? refuseName(open, close, ' twice in one object')
    : refuse(open, `more than ${MAX_NAMES_PER_OBJECT} names in one object`)

const refuseName = (open: number, close: number, how = ''): number => {
  const name = decode(open, close)?.slice(0, MAX_QUOTED_LENGTH) ?? ''
  return refuse(open, `the name ${JSON.stringify(name)}${how}`)
}

/** Undefined when the string is malformed, which the parser will say. */
const decode = (open: number, close: number): string | undefined => {
  try {
    return JSON.parse(textOf(open, close + 1)) as string
  } catch {
    return undefined
  }
}
