import { parseStream } from '@millrace/domain'
import { EncodeError, topics, type Codec, type DomainEvent, type TopicName } from '@millrace/events'
import { parseAs, problems, type Call, type FieldFault, type Route } from '@millrace/runtime'
import { z } from 'zod'
import type { HandleWrite } from '../handle-write.ts'
import type { Precondition, ProposedEvent, WriteRequest } from '../write.ts'
import { parseExpectedVersion } from './expected-version.ts'
import { idempotencyKeyOf } from './idempotency.ts'
import { metadataField } from './metadata.ts'
import { originOf } from './origin.ts'
import { toReply } from './write-reply.ts'

/** More would not fit into one send to Kafka with their headers. */
const MAX_EVENTS = 400

const eventsBody = z
  .array(
    z.strictObject({
      type: z.string(),
      data: z.record(z.string(), z.unknown()),
      metadata: metadataField.optional(),
    }),
  )
  .min(1)
  .max(MAX_EVENTS)

type AppendedEvent = z.output<typeof eventsBody>[number]

type Encode = Pick<Codec, 'encode'>

const faultOf = ({ encode }: Encode, topic: TopicName, { type, data }: AppendedEvent): FieldFault | null => {
  const known: readonly string[] = topics[topic].recordTypes
  if (!known.includes(type))
    return { pointer: '/type', detail: `${topic} has no event type ${JSON.stringify(type)}` }
  try {
    encode(topic, { type, data } as unknown as DomainEvent)
    return null
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    const path = (error.path ?? '').split('.').filter(Boolean)
    return { pointer: ['/data', ...path].join('/'), detail: error.message }
  }
}

/** The body as events of the topic; 422 that names every event which is none, before anything is written. */
const parseEvents = (codec: Encode, topic: TopicName, call: Call): ProposedEvent[] => {
  const events = parseAs(eventsBody, call.json())
  const errors = events.flatMap((event, index) => {
    const fault = faultOf(codec, topic, event)
    return fault ? [{ ...fault, pointer: `/${index}${fault.pointer}` }] : []
  })
  const [first] = errors
  if (first) throw problems.invalidEvent(`${first.pointer}: ${first.detail}`, { errors: errors.slice(0, 20) })
  // They have just been encoded by the schema of their type.
  return events as unknown as ProposedEvent[]
}

const preconditionOf = (call: Call): Precondition | undefined =>
  parseExpectedVersion(call.header('expected-version'))

const toRequest = (codec: Encode, call: Call): WriteRequest => {
  const stream = call.params['id'] ?? ''
  const aggregate = parseStream(stream)
  if (!aggregate) throw problems.notFound(`no context has a stream ${JSON.stringify(stream)}`)
  const idempotencyKey = idempotencyKeyOf(call)
  const precondition = preconditionOf(call)
  const events = parseEvents(codec, aggregate.context.topic, call)
  return {
    ...aggregate,
    decide: () => ({ type: 'accepted', events }),
    ...originOf(call),
    idempotencyKey,
    precondition,
    occurredAt: undefined,
  }
}

const otherVersion = (currentVersion: number) =>
  problems.conflict(`the stream is at version ${currentVersion}`, { members: { currentVersion } })

/** Appends events as they are: only the aggregate's own fold is asked whether they can be. */
export const appendRoute = ({ codec, handle }: { codec: Encode; handle: HandleWrite }): Route => ({
  method: 'post',
  path: '/streams/:id/events',
  handle: async (call) => toReply(await handle(toRequest(codec, call)), otherVersion),
})
