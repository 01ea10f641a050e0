type Sequence = readonly [length: number, low: number, high: number]

const NONE: Sequence = [0, 0, 0]

/** Length of the sequence that a byte begins, and the range of its second byte (RFC 3629, section 4); 0 for none. */
const sequenceOf = (first: number): Sequence => {
  if (first < 0x80) return [1, 0, 0]
  if (first < 0xc2) return NONE
  if (first < 0xe0) return [2, 0x80, 0xbf]
  // E0 and F0 would be too long for what they say, ED would be a surrogate, F4 above U+10FFFF.
  if (first < 0xf0) return [3, first === 0xe0 ? 0xa0 : 0x80, first === 0xed ? 0x9f : 0xbf]
  if (first < 0xf5) return [4, first === 0xf0 ? 0x90 : 0x80, first === 0xf4 ? 0x8f : 0xbf]
  return NONE
}

const SEQUENCES = Array.from({ length: 256 }, (_, first) => sequenceOf(first))

const isWithin = (byte: number | undefined, low: number, high: number): boolean =>
  byte !== undefined && byte >= low && byte <= high

const isComplete = (bytes: Uint8Array, at: number, [length, low, high]: Sequence): boolean => {
  if (length > 1 && !isWithin(bytes[at + 1], low, high)) return false
  for (let next = at + 2; next < at + length; next++) if (!isWithin(bytes[next], 0x80, 0xbf)) return false
  return length > 0
}

/** Where the bytes stop being UTF-8; their length when all of them are. Slower than `isUtf8` of Node, which tells no place. */
export const findUtf8Fault = (bytes: Uint8Array): number => {
  let at = 0
  while (at < bytes.length) {
    const sequence = SEQUENCES[bytes[at] ?? 0] ?? NONE
    if (!isComplete(bytes, at, sequence)) return at
    at += sequence[0]
  }
  return at
}
