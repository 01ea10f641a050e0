import type avro from 'avsc'
import { describeFault } from './data-fault.ts'
import { EncodeError, SchemaNotRegisteredError } from './errors.ts'
import type { EventCatalogue } from './event-catalogue.ts'
import type { DomainEvent } from './recorded-event.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { shippedEvents } from './shipped-events.ts'
import { subjectOf, type TopicName } from './topics.ts'
import { wireHeaderBytes, writeWireHeader } from './wire-format.ts'

type Writer = { readonly id: number; readonly type: avro.Type }
type Writers = ReadonlyMap<string, Writer>
export type Encode = (topic: TopicName, event: DomainEvent) => Buffer

export const makeEncoder = async (
  registry: SchemaRegistry,
  writes: readonly TopicName[],
  catalogue: EventCatalogue = shippedEvents(),
): Promise<Encode> => {
  const writersByTopic = await findWriters(registry, writes, catalogue)
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
  catalogue: EventCatalogue,
): Promise<ReadonlyMap<TopicName, Writers>> => {
  const unregistered: string[] = []
  // Former types have no writer: they are read for ever and never written again.
  const newest = [...catalogue.values()].filter(({ upcasts }) => upcasts.length === 0)
  const findTopicWriters = async (topic: TopicName): Promise<[TopicName, Writers]> => {
    const writers = new Map<string, Writer>()
    for (const { type, schema, avroType, topics } of newest) {
      if (!topics.includes(topic)) continue
      const id = await registry.idOf(subjectOf(topic, type), schema)
      if (id === null) unregistered.push(subjectOf(topic, type))
      else writers.set(type, { id, type: avroType })
    }
    return [topic, writers]
  }
  const writers = new Map(await Promise.all(writes.map(findTopicWriters)))
  if (unregistered.length > 0) throw new SchemaNotRegisteredError(unregistered.sort())
  return writers
}

const wrongTopic = (topic: string, type: string): EncodeError =>
  new EncodeError({ code: 'wrong-topic', message: `${type} is not written to ${topic} by this codec` })

const describeInvalid = ({ type, data }: DomainEvent, avroType: avro.Type): EncodeError => {
  const { path, message } = describeFault(avroType, data)
  return new EncodeError({ code: 'invalid-data', path, message: `${type}: ${message}` })
}
