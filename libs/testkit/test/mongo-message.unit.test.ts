import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { commandOf, readMessages, type MongoMessage } from '../src/mongo-message.ts'

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
const sized = (content: Buffer): Buffer => Buffer.concat([int32(content.length + 4), content])
const cstring = (text: string): Buffer => Buffer.from(`${text}\0`)

const stringMember = (name: string, value: string): Buffer => {
  const text = cstring(value)
  return Buffer.concat([Buffer.from([2]), cstring(name), int32(text.length), text])
}
const intMember = (name: string, value: number): Buffer =>
  Buffer.concat([Buffer.from([16]), cstring(name), int32(value)])
const documentOf = (...members: Buffer[]): Buffer => sized(Buffer.concat([...members, Buffer.from([0])]))

const body = (document: Buffer): Buffer => Buffer.concat([Buffer.from([0]), document])
const documents = (name: string, document: Buffer): Buffer =>
  Buffer.concat([Buffer.from([1]), sized(Buffer.concat([cstring(name), document]))])

type Wire = {
  readonly id?: number
  readonly answersTo?: number
  readonly opcode?: number
  readonly flags?: number
}

const messageOf = (
  sections: readonly Buffer[],
  { id = 7, answersTo = 0, opcode = 2013, flags = 0 }: Wire = {},
) => sized(Buffer.concat([int32(id), int32(answersTo), int32(opcode), int32(flags), ...sections]))

const read = (...chunks: readonly Buffer[]): MongoMessage[] => {
  const messages: MongoMessage[] = []
  const take = readMessages((message) => messages.push(message))
  chunks.forEach(take)
  return messages
}

const commandIn = (bytes: Buffer) => read(bytes).map(commandOf)

const insert = documentOf(stringMember('insert', 'commits'), stringMember('$db', 'test'))

describe('the command of a message', () => {
  it('is the first member of its body, with the collection as its value', () => {
    expect(commandIn(messageOf([body(insert)]))).toEqual([{ name: 'insert', collection: 'commits' }])
  })

  it('has no collection when its value is no text', () => {
    const commit = documentOf(intMember('commitTransaction', 1), stringMember('$db', 'admin'))
    expect(commandIn(messageOf([body(commit)]))).toEqual([{ name: 'commitTransaction' }])
  })

  it('is found before and behind sequences of documents', () => {
    const expected = [{ name: 'insert', collection: 'commits' }]
    const rows = documents('documents', documentOf(intMember('x', 1)))
    expect(commandIn(messageOf([rows, rows, body(insert)]))).toEqual(expected)
    expect(commandIn(messageOf([body(insert), rows]))).toEqual(expected)
  })

  it('is not looked for in the checksum', () => {
    const rows = documents('documents', documentOf(intMember('x', 1)))
    expect(commandIn(messageOf([rows, int32(0)], { flags: 1 }))).toEqual([undefined])
  })

  it('is unknown in messages of another kind', () => {
    expect(commandIn(messageOf([body(insert)], { opcode: 2012 }))).toEqual([undefined])
  })
})

describe('messages', () => {
  it('come out whole, in order and with their ids, however the stream was cut', () => {
    const sent = [
      messageOf([body(insert)], { id: 1 }),
      messageOf([body(documentOf())], { id: 2, answersTo: 1 }),
      messageOf([body(insert)], { id: 3 }),
    ]
    const stream = Buffer.concat(sent)
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length]
        const chunks = places.slice(1).map((end, index) => stream.subarray(places[index], end))
        expect(read(...chunks)).toEqual([
          { id: 1, answersTo: 0, bytes: sent[0] },
          { id: 2, answersTo: 1, bytes: sent[1] },
          { id: 3, answersTo: 0, bytes: sent[2] },
        ])
      }),
    )
  })
})
