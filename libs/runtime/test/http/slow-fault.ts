type Reader = { readonly text: string; at: number }

const WORDS = ['true', 'false', 'null']
const ESCAPED = '"\\/bfnrt'

const isOneOf = (characters: string, character: string | undefined): boolean =>
  character !== undefined && characters.includes(character)
const isDigit = (character: string | undefined): boolean => isOneOf('0123456789', character)
const isHex = (text: string): boolean => /^[0-9a-fA-F]{4}$/.test(text)

/** Reads on to the next token behind `token`. */
const eat = (reader: Reader, token: string): boolean => {
  while (isOneOf(' \t\n\r', reader.text[reader.at])) reader.at += 1
  if (!reader.text.startsWith(token, reader.at)) return false
  reader.at += token.length
  return true
}

/** All of these say whether there was one; if not, the reader stands at what there was instead. */
const readString = (reader: Reader): boolean => {
  const { text } = reader
  for (let at = reader.at + 1; at < text.length && text.charCodeAt(at) >= 0x20; at++) {
    if (text[at] === '"') {
      reader.at = at + 1
      return true
    }
    if (text[at] !== '\\') continue
    at += 1
    if (text[at] === 'u' && isHex(text.slice(at + 1, at + 5))) at += 4
    else if (!isOneOf(ESCAPED, text[at])) return false
  }
  return false
}

const readDigits = (reader: Reader): void => {
  while (isDigit(reader.text[reader.at])) reader.at += 1
}

const readNumber = (reader: Reader): boolean => {
  const { text } = reader
  const first = reader.at + (text[reader.at] === '-' ? 1 : 0)
  if (!isDigit(text[first])) return false
  reader.at = first + 1
  if (text[first] !== '0') readDigits(reader)
  if (text[reader.at] === '.' && isDigit(text[reader.at + 1])) {
    reader.at += 1
    readDigits(reader)
  }
  const sign = reader.at + 1
  const exponent = sign + (isOneOf('+-', text[sign]) ? 1 : 0)
  if (isOneOf('eE', text[reader.at]) && isDigit(text[exponent])) {
    reader.at = exponent
    readDigits(reader)
  }
  return true
}

const readItems = (reader: Reader, end: string, readItem: (reader: Reader) => boolean): boolean => {
  if (eat(reader, end)) return true
  do if (!readItem(reader)) return false
  while (eat(reader, ','))
  return eat(reader, end)
}

const readPair = (reader: Reader): boolean => {
  const isName = eat(reader, '') && reader.text[reader.at] === '"' && readString(reader)
  return isName && eat(reader, ':') && readValue(reader)
}

const readValue = (reader: Reader): boolean => {
  if (eat(reader, '{')) return readItems(reader, '}', readPair)
  if (eat(reader, '[')) return readItems(reader, ']', readValue)
  if (WORDS.some((word) => eat(reader, word))) return true
  return reader.text[reader.at] === '"' ? readString(reader) : readNumber(reader)
}

/** Index at which a text stops being JSON, found the simple way; undefined when it is JSON. */
export const slowFault = (text: string): number | undefined => {
  const reader = { text, at: 0 }
  if (!readValue(reader)) return reader.at
  eat(reader, '')
  return reader.at === text.length ? undefined : reader.at
}
