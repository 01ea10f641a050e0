// A reply of MongoDB that says what a test wants: an OP_MSG with one BSON document of whole numbers, texts, lists of
// texts and documents of them, which is all that an error needs: https://bsonspec.org/spec.html

export type MongoFault = {
  readonly code: number
  readonly codeName: string
  /** What the driver and its callers go by: `TransientTransactionError` and the like. */
  readonly errorLabels?: readonly string[]
  /** The command was done, but not by as many members as it was to be. */
  readonly isOfWriteConcern?: boolean
}

type Value = number | string | readonly string[] | { readonly [name: string]: Value }

const HEADER_BYTES = 16
const OP_MSG = 2013
const TYPE = { text: 2, document: 3, list: 4, int32: 16 }

/** Answers the request of that id. */
export const faultReply = (answersTo: number, fault: MongoFault): Buffer => {
  const body = documentBytes(replyOf(fault))
  const head = Buffer.alloc(HEADER_BYTES + 5)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(answersTo, 8)
  head.writeInt32LE(OP_MSG, 12)
  return Buffer.concat([head, body])
}

const replyOf = ({ code, codeName, errorLabels = [], isOfWriteConcern = false }: MongoFault): Value => {
  const error = { code, codeName, errmsg: `${codeName}, says the test` }
  return isOfWriteConcern
    ? { ok: 1, n: 0, writeConcernError: error, errorLabels }
    : { ok: 0, ...error, errorLabels }
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

const documentBytes = (value: Value): Buffer => {
  const members = Object.entries(value).map(([name, member]: [string, Value]) => memberBytes(name, member))
  const body = Buffer.concat([...members, Buffer.alloc(1)])
  return Buffer.concat([int32(body.length + 4), body])
}

const memberBytes = (name: string, value: Value): Buffer => {
  const [type, bytes] = typed(value)
  return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), bytes])
}

const typed = (value: Value): [type: number, bytes: Buffer] => {
  if (typeof value === 'number') return [TYPE.int32, int32(value)]
  if (typeof value === 'string') {
    const text = Buffer.from(`${value}\0`)
    return [TYPE.text, Buffer.concat([int32(text.length), text])]
  }
  return [Array.isArray(value) ? TYPE.list : TYPE.document, documentBytes(value)]
}
