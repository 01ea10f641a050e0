import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { headerSchemaOf, shippedEvents, topicConfigEntries, topics, type TopicSpec } from '@millrace/events'

const KAFKA_BINDING = '0.5.0'
const AVRO = 'application/vnd.apache.avro;version=1.11.0'

/** AsyncAPI 3 of every topic, from the catalogue: what `millrace setup` makes, and what is found in it. */
export const asyncApi = (): object => {
  const specs: readonly TopicSpec[] = Object.values(topics)
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Millrace topics',
      version: '0.1.0',
      description:
        'What Millrace writes to Kafka, for whoever reads it. Records are CloudEvents in binary mode; whoever counts `ce_sequence` notices a record that is missing or repeated.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'avro/binary',
    channels: Object.fromEntries(specs.map((spec) => [spec.name, channelOf(spec)])),
    operations: Object.fromEntries(specs.map((spec) => [`write.${spec.name}`, operationOf(spec)])),
    components: { messages: Object.fromEntries(specs.flatMap(messagesOf)) },
  }
}

const PURPOSE = {
  events: 'Events of aggregates, published from the event store: in order per key, at least once.',
  telemetry: 'Measurements: in order per key, never decided on.',
  state: 'The last known state of each key.',
  snapshot: 'The last value of each key of another topic, and from where on to read that one.',
  changes:
    'What became of the documents of a collection: in order per key, at least once, by rising `ce_id`.',
}

const channelOf = (spec: TopicSpec): object => ({
  address: spec.name,
  title: spec.name,
  description: PURPOSE[spec.kind],
  messages: Object.fromEntries(
    typesOn(spec).map((type) => [type, { $ref: `#/components/messages/${nameOf(spec, type)}` }]),
  ),
  bindings: {
    kafka: {
      topic: spec.name,
      partitions: spec.partitions,
      topicConfiguration: topicConfigurationOf(spec),
      bindingVersion: KAFKA_BINDING,
    },
  },
})

const operationOf = ({ name, kind }: TopicSpec): object => ({
  action: 'send',
  channel: { $ref: `#/channels/${name}` },
  summary: PURPOSE[kind],
})

/** What the binding knows of a topic's configuration. */
const topicConfigurationOf = (spec: TopicSpec): object => {
  const config = Object.fromEntries(topicConfigEntries(spec).map(({ name, value }) => [name, value]))
  const numbers = ['retention.ms', 'retention.bytes', 'max.message.bytes'].filter((name) => name in config)
  return {
    'cleanup.policy': [config['cleanup.policy']],
    ...Object.fromEntries(numbers.map((name) => [name, Number(config[name])])),
  }
}

/** Former types too: they are on the topic for as long as it keeps them. */
const typesOn = ({ name }: TopicSpec): string[] =>
  [...shippedEvents().values()].filter((form) => form.topics.includes(name)).map(({ type }) => type)

const nameOf = ({ name }: TopicSpec, type: string): string => `${name}.${type}`

const messagesOf = (spec: TopicSpec): [string, object][] =>
  typesOn(spec).map((type) => [nameOf(spec, type), messageOf(spec, type)])

const messageOf = ({ kind }: TopicSpec, type: string): object => {
  const form = shippedEvents().get(type)
  if (!form) throw new Error(`there is no ${type}`)
  const former = form.newestType === type ? '' : ` No longer written: ${form.newestType} took its place.`
  return {
    name: type,
    title: type,
    summary: `${form.schema.doc}${former}`,
    contentType: 'avro/binary',
    headers: headerSchemaOf(kind),
    payload: { schemaFormat: AVRO, schema: form.schema },
    bindings: {
      kafka: {
        key: {
          type: 'string',
          pattern: '^[^/]+/.+$',
          description: 'Tenant and aggregate id: everything of one aggregate is in one partition.',
        },
        schemaIdLocation: 'payload',
        schemaIdPayloadEncoding: 'confluent',
        bindingVersion: KAFKA_BINDING,
      },
    },
  }
}

const file = fileURLToPath(new URL('../docs/asyncapi.json', import.meta.url))

/** As it stands in the file. */
export const asyncApiText = async (): Promise<string> =>
  format(JSON.stringify(asyncApi()), { ...(await resolveConfig(file)), parser: 'json' })

const main = async (check: boolean): Promise<void> => {
  const text = await asyncApiText()
  if (!check) return writeFileSync(file, text)
  if (readFileSync(file, 'utf8') === text) return
  console.error('docs/asyncapi.json differs from the topics: run `npm run asyncapi` and commit.')
  process.exitCode = 1
}

if (import.meta.main) await main(process.argv.includes('--check'))
