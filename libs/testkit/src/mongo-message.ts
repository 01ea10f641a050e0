// As much of MongoDB's wire protocol as it takes to know which command goes by. A message is a header of 16 bytes
// (length, id, id of what it answers, opcode) and, for OP_MSG, flags and sections; the section of kind 0 is the
// command's BSON document, whose first member is the command's name, with the collection as its value if it has one:
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/

export type MongoMessage = {
  readonly id: number
  /** Id of the request that this answers; 0 in a request. */
  readonly answersTo: number
  readonly bytes: Buffer
}

export type MongoCommand = { readonly name: string; readonly collection?: string }

const HEADER_BYTES = 16
const OP_MSG = 2013
const CHECKSUM_PRESENT = 1
const CHECKSUM_BYTES = 4
const SECTION = { body: 0, documents: 1 }
const BSON_STRING = 2

/** Takes a stream in chunks of any size and hands out its messages, whole and in order. */
export const readMessages = (onMessage: (message: MongoMessage) => void): ((chunk: Buffer) => void) => {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= HEADER_BYTES && rest.length >= rest.readInt32LE(0)) {
      const bytes = rest.subarray(0, rest.readInt32LE(0))
      rest = rest.subarray(bytes.length)
      onMessage({ id: bytes.readInt32LE(4), answersTo: bytes.readInt32LE(8), bytes })
    }
  }
}

/** Undefined for what is no OP_MSG: the greeting of old clients, and compressed messages. */
export const commandOf = ({ bytes }: MongoMessage): MongoCommand | undefined => {
  if (bytes.readInt32LE(12) !== OP_MSG) return undefined
  const hasChecksum = (bytes.readUInt32LE(HEADER_BYTES) & CHECKSUM_PRESENT) !== 0
  const end = bytes.length - (hasChecksum ? CHECKSUM_BYTES : 0)
  let at = HEADER_BYTES + 4
  while (at < end && bytes.readUInt8(at) === SECTION.documents) at += 1 + bytes.readInt32LE(at + 1)
  return at < end && bytes.readUInt8(at) === SECTION.body
    ? firstMember(bytes.subarray(at + 1, end))
    : undefined
}

const firstMember = (document: Buffer): MongoCommand => {
  const type = document.readUInt8(4)
  const nameEnd = document.indexOf(0, 5)
  const name = document.toString('utf8', 5, nameEnd)
  if (type !== BSON_STRING) return { name }
  const valueAt = nameEnd + 5
  return {
    name,
    collection: document.toString('utf8', valueAt, valueAt + document.readInt32LE(nameEnd + 1) - 1),
  }
}
