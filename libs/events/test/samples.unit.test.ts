import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { eventTypes, type DomainEvent } from '@millrace/events'
import { compileType } from '../src/avro-types.ts'
import { makeDecoder } from '../src/decoder.ts'
import { topicOf } from './any-event.ts'

/** A frozen record as a past version wrote it, with its writer schema: never edit one, add a file a version. */
type Sample = DomainEvent & { readonly avroHex: string; readonly writerSchema: object }

const folder = new URL('samples/', import.meta.url)
const files = readdirSync(folder).toSorted()
const readSample = (file: string): Sample => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Sample

describe('samples', () => {
  it.each(files)('%s is readable for ever', async (file) => {
    const { type, data, avroHex, writerSchema } = readSample(file)
    const decoder = makeDecoder({
      schemaOf: async () => ({ format: 'AVRO', text: JSON.stringify(writerSchema) }),
    })
    await decoder.ensureWriters([1])
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 1]), Buffer.from(avroHex, 'hex')])
    // Fields that later versions added have their defaults.
    expect(decoder.decode(topicOf(type), bytes)).toMatchObject({ type, data })
  })

  it.each(files)('%s has the bytes that its writer wrote', (file) => {
    const { avroHex, writerSchema } = readSample(file)
    const writer = compileType(writerSchema)
    const written: unknown = writer.fromBuffer(Buffer.from(avroHex, 'hex'))
    expect(writer.toBuffer(written).toString('hex')).toBe(avroHex)
  })

  it('exist for every event type', () => {
    expect(files.filter((file) => file.endsWith('.v1.json'))).toEqual(
      eventTypes.map((type) => `${type}.v1.json`),
    )
  })
})
