import fc from 'fast-check'
import type { DomainEvent, EventType, TopicName } from '@millrace/events'
import { topics } from '@millrace/events'
import { readSchemaFiles } from '../src/load-schemas.ts'
import { arbitraryOf } from './arbitrary-of.ts'

const files = readSchemaFiles()
const recordByName = new Map([...files.values()].map((schema) => [schema.name, schema]))

export const anyEventOf = (type: EventType): fc.Arbitrary<DomainEvent> => {
  const schema = recordByName.get(type)
  if (schema?.type !== 'record') throw new Error(`${type} is no record`)
  return arbitraryOf(schema, files).map((data) => ({ type, data }) as unknown as DomainEvent)
}

export const topicOf = (type: EventType): TopicName => {
  const spec = Object.values(topics).find(({ recordTypes }) => recordTypes.some((name) => name === type))
  if (spec === undefined) throw new Error(`${type} is on no topic`)
  return spec.name
}
