import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from '@jest/globals'
import {
  connectCodec,
  IncompatibleSchemaError,
  registerSchemas,
  storedTypesOf,
  subjectOf,
  topics,
  type Codec,
  type DomainEvent,
} from '@millrace/events'
import type { AvroRecord } from '../src/avro-schema.ts'
import { compileType } from '../src/avro-types.ts'
import { makeEncoder } from '../src/encoder.ts'
import { loadEventSchemas } from '../src/load-schemas.ts'
import { connectRegistry } from '../src/schema-registry.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const registry = connectRegistry({ registryUrl })
const topic = 'orders.order.events'
const shipped: DomainEvent<'OrderShipped'> = {
  type: 'OrderShipped',
  data: { customerId: 'c-1', carrier: 'dhl', trackingId: null },
}

const schemaOf = (type: string): AvroRecord => {
  const schema = loadEventSchemas().get(type)
  if (schema === undefined) throw new Error(`no schema ${type}`)
  return schema
}
const withField = (field: object): AvroRecord => {
  const schema = schemaOf('OrderShipped')
  return { ...schema, fields: [...schema.fields, { name: 'note', doc: 'A note.', type: 'string', ...field }] }
}
/** A subject of this run that has OrderShipped as its first version. */
const freshSubject = async (): Promise<string> => {
  const subject = subjectOf(`test-${randomUUID()}`, 'OrderShipped')
  await registry.setFullTransitive(subject)
  await registry.register(subject, schemaOf('OrderShipped'))
  return subject
}

let codec: Codec
beforeAll(async () => {
  await registerSchemas({ registryUrl })
  codec = await connectCodec({ registryUrl })
})

describe('registration', () => {
  it('covers every record of every topic, and again gives the same ids', async () => {
    const first = await registerSchemas({ registryUrl })
    const subjects = Object.values(topics).flatMap(({ name, recordTypes }) =>
      recordTypes.flatMap((type) => storedTypesOf(type).map((stored) => subjectOf(name, stored))),
    )
    expect(first.map(({ subject }) => subject).toSorted()).toEqual(subjects.toSorted())
    expect(await registerSchemas({ registryUrl })).toEqual(first)
  })

  it('may be done by several setups at the same time', async () => {
    const subjects = Array.from({ length: 5 }, () => subjectOf(`test-${randomUUID()}`, 'OrderShipped'))
    for (const subject of subjects) {
      const setups = Array.from({ length: 4 }, () => registry.setFullTransitive(subject))
      await expect(Promise.all(setups)).resolves.toHaveLength(4)
    }
  })

  it('tells its progress', async () => {
    const steps: string[] = []
    await registerSchemas({ registryUrl, onProgress: ({ done, total }) => steps.push(`${done}/${total}`) })
    expect(steps.at(0)).toBe(`1/${steps.length}`)
    expect(steps.at(-1)).toBe(`${steps.length}/${steps.length}`)
  })

  it('holds each subject to FULL_TRANSITIVE', async () => {
    const response = await fetch(`${registryUrl}/config/${subjectOf(topic, 'OrderPlaced')}`)
    expect(await response.json()).toMatchObject({ compatibilityLevel: 'FULL_TRANSITIVE' })
  })

  it('refuses an incompatible schema, naming the subject and the reason', async () => {
    const subject = await freshSubject()
    const refusal = registry.register(subject, withField({}))
    await expect(refusal).rejects.toThrow(IncompatibleSchemaError)
    await expect(refusal).rejects.toMatchObject({
      subject,
      message: expect.stringMatching(/note|incompatible artifact/i),
    })
  })

  it('takes a schema with an added default', async () => {
    const subject = await freshSubject()
    await expect(registry.register(subject, withField({ default: '' }))).resolves.toEqual(expect.any(Number))
  })
})

describe('a codec', () => {
  it('reads what it wrote', async () => {
    const bytes = codec.encode(topic, shipped)
    await codec.ensureWriters([codec.writerIdOf(bytes)])
    expect(codec.decode(topic, bytes)).toStrictEqual(shipped)
  })

  it('writes the id that the registry has for the subject', async () => {
    const id = await registry.idOf(subjectOf(topic, 'OrderShipped'), schemaOf('OrderShipped'))
    expect(codec.writerIdOf(codec.encode(topic, shipped))).toBe(id)
  })

  it('registers nothing itself: it names what is missing and the command', async () => {
    const subject = subjectOf('test-never-registered', 'OrderShipped')
    expect(await registry.idOf(subject, schemaOf('OrderShipped'))).toBeNull()
    const onlyMissing = { ...registry, idOf: () => Promise.resolve(null) }
    await expect(makeEncoder(onlyMissing, [topic])).rejects.toThrow(
      /orders\.order\.events-OrderPlaced.*millrace setup/,
    )
  })

  it('does not take another schema under the same subject for its own', async () => {
    expect(await registry.idOf(await freshSubject(), withField({ default: '' }))).toBeNull()
  })

  it('reads a newer writer', async () => {
    const newer = withField({ default: '' })
    const id = await registry.register(await freshSubject(), newer)
    const header = Buffer.alloc(5)
    header.writeInt32BE(id, 1)
    const bytes = Buffer.concat([header, compileType(newer).toBuffer({ ...shipped.data, note: 'fragile' })])
    await codec.ensureWriters([id])
    expect(codec.decode(topic, bytes)).toStrictEqual(shipped)
  })

  it('reports an id that the registry does not know', async () => {
    const bytes = Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xf0]), Buffer.from('x')])
    await codec.ensureWriters([codec.writerIdOf(bytes)])
    expect(() => codec.decode(topic, bytes)).toThrow(expect.objectContaining({ code: 'unknown-schema' }))
  })
})
