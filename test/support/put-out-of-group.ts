/*
 * What the coordinator of a group does with a member that was silent for a session, but at once: in the name of that
 * member somebody else leaves the group. Two requests of Kafka's protocol in their first version, which our client does
 * not send for others.
 */
import { once } from 'node:events'
import { connect } from 'node:net'

const DESCRIBE_GROUPS = 15
const LEAVE_GROUP = 13
const OK = 0

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)])

/** Gives the answer behind its size and correlation id. */
const ask = async (broker: string, api: number, body: Buffer): Promise<Buffer> => {
  const [host = '', port] = broker.split(':')
  const socket = connect(Number(port), host)
  try {
    const request = Buffer.concat([int16(api), int16(0), int32(1), text('test'), body])
    socket.write(Buffer.concat([int32(request.length), request]))
    let answer = Buffer.alloc(0)
    while (answer.length < 4 || answer.length < 4 + answer.readInt32BE()) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      answer = Buffer.concat([answer, chunk])
    }
    return answer.subarray(8)
  } finally {
    socket.destroy()
  }
}

const makeReader = (bytes: Buffer) => {
  let at = 0
  const take = (length: number): Buffer => bytes.subarray(at, (at += Math.max(0, length)))
  return {
    int16: () => take(2).readInt16BE(),
    int32: () => take(4).readInt32BE(),
    text: () => take(take(2).readInt16BE()).toString(),
    bytes: () => take(take(4).readInt32BE()),
  }
}

const memberIds = async (broker: string, group: string): Promise<string[]> => {
  const reader = makeReader(await ask(broker, DESCRIBE_GROUPS, Buffer.concat([int32(1), text(group)])))
  reader.int32()
  const error = reader.int16()
  if (error !== OK) throw new Error(`${group} cannot be described: error ${error}`)
  // Its id, state, kind and protocol.
  for (let skipped = 0; skipped < 4; skipped++) reader.text()
  return Array.from({ length: reader.int32() }, () => {
    const id = reader.text()
    for (let skipped = 0; skipped < 2; skipped++) reader.text()
    for (let skipped = 0; skipped < 2; skipped++) reader.bytes()
    return id
  })
}

/** All that it has. */
export const putOutOfGroup = async (broker: string, group: string): Promise<void> => {
  const ids = await memberIds(broker, group)
  if (ids.length === 0) throw new Error(`${group} has no members`)
  for (const id of ids) {
    const answer = await ask(broker, LEAVE_GROUP, Buffer.concat([text(group), text(id)]))
    const error = answer.readInt16BE()
    if (error !== OK) throw new Error(`${id} could not leave ${group}: error ${error}`)
  }
}
