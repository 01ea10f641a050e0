import avro from 'avsc'
import { EncodeError, SchemaNotRegisteredError } from './errors.ts'
import { loadEventAvroTypes } from './event-avro-types.ts'
import type { DomainEvent } from './recorded-event.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { subjectOf, topics, type TopicName } from './topics.ts'
import { wireHeaderBytes, writeWireHeader } from './wire-format.ts'

type Writer = { readonly id: number; readonly type: avro.Type }
type Writers = ReadonlyMap<string, Writer>
export type Encode = (topic: TopicName, event: DomainEvent) => Buffer

export const makeEncoder = async (
  registry: SchemaRegistry,
  writes: readonly TopicName[],
): Promise<Encode> => {
  const writersByTopic = await findWriters(registry, writes)
  let scratch = Buffer.allocUnsafeSlow(16 * 1024)

  return (topic, event) => {
    const writer = writersByTopic.get(topic)?.get(event.type)
    if (writer === undefined) throw wrongTopic(topic, event.type)
    if (!writer.type.isValid(event.data, strict)) throw describeInvalid(event, writer.type)
    let end = writer.type.encode(event.data, scratch, wireHeaderBytes)
    if (end < 0) {
      // A negative end tells how many bytes were missing.
      scratch = Buffer.allocUnsafeSlow(2 * (scratch.length - end))
      end = writer.type.encode(event.data, scratch, wireHeaderBytes)
    }
    writeWireHeader(scratch, writer.id)
    return Buffer.from(scratch.subarray(0, end))
  }
}

const strict = { noUndeclaredFields: true }

const findWriters = async (
  registry: SchemaRegistry,
  writes: readonly TopicName[],
): Promise<ReadonlyMap<TopicName, Writers>> => {
  const unregistered: string[] = []
  const types = loadEventAvroTypes()
  const findTopicWriters = async (topic: TopicName): Promise<[TopicName, Writers]> => {
    const writers = new Map<string, Writer>()
    for (const recordType of topics[topic].recordTypes) {
      const avroType = types.get(recordType)
      if (avroType === undefined) continue
      const id = await registry.idOf(subjectOf(topic, recordType), avroType.schema)
      if (id === null) unregistered.push(subjectOf(topic, recordType))
      else writers.set(recordType, { id, type: avroType.type })
    }
    return [topic, writers]
  }
  const writers = new Map(await Promise.all(writes.map(findTopicWriters)))
  if (unregistered.length > 0) throw new SchemaNotRegisteredError(unregistered.sort())
  return writers
}

const wrongTopic = (topic: string, type: string): EncodeError =>
  new EncodeError({ code: 'wrong-topic', message: `${type} is not written to ${topic} by this codec` })

/** Validates again, slowly, to name the first fault. */
const describeInvalid = ({ type, data }: DomainEvent, avroType: avro.Type): EncodeError => {
  let fault: { path: string; problem: string } | undefined
  const errorHook = (path: string[], value: unknown, expected: avro.Type): void => {
    fault ??= describeFault(path, value, expected)
  }
  avroType.isValid(data, { noUndeclaredFields: true, errorHook })
  const { path, problem } = fault ?? { path: '', problem: 'is invalid' }
  const place = path === '' ? 'data' : `data.${path}`
  return new EncodeError({ code: 'invalid-data', path, message: `${type}: ${place} ${problem}` })
}

const describeFault = (path: readonly string[], value: unknown, expected: avro.Type) => {
  const undeclared = undeclaredField(value, expected)
  return undeclared === undefined
    ? {
        path: path.join('.'),
        problem: `is ${describeValue(value)}, no valid ${nameOf(expected)}`,
      }
    : { path: [...path, undeclared].join('.'), problem: 'is not declared in the schema' }
}

const nameOf = (type: avro.Type): string =>
  type instanceof avro.types.UnwrappedUnionType
    ? type.types.map(nameOf).join(' or ')
    : (type.branchName ?? type.typeName)

const undeclaredField = (value: unknown, expected: avro.Type): string | undefined => {
  if (!(expected instanceof avro.types.RecordType) || typeof value !== 'object' || value === null)
    return undefined
  const declared = new Set(expected.fields.map((field) => field.name))
  return Object.keys(value).find((name) => !declared.has(name))
}

// Errors are logged, and data may be private: the kind of a value says enough.
const describeValue = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number')
    return Number.isInteger(value) ? 'a whole number' : 'a number with a fraction'
  if (typeof value === 'string' && !value.isWellFormed()) return 'a string with a lone surrogate'
  return typeof value === 'undefined' ? 'missing' : `a ${typeof value}`
}
