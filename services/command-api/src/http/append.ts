import { contexts, parseStream, type AnyContext } from '@millrace/domain'
import { EncodeError, type Codec, type DomainEvent } from '@millrace/events'
import {
  defineRoute,
  problems,
  schemaFaults,
  type Call,
  type FieldFault,
  type Route,
} from '@millrace/runtime'
import { z } from 'zod'
import type { HandleWrite } from '../handle-write.ts'
import type { ProposedEvent, WriteRequest } from '../write.ts'
import { expectedVersionField } from './expected-version.ts'
import { idempotencyKeyField } from './idempotency.ts'
import { metadataField } from './metadata.ts'
import { originOf } from './origin.ts'
import { streamParams } from './stream-params.ts'
import { conflictProblem, refusedProblem } from './write-problems.ts'
import { toReply } from './write-reply.ts'
import { writtenReply } from './written.ts'

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

/** First by the Avro schema, which says what an event is, then by the limits that commands have too. */
const faultsOf = (
  { encode }: Encode,
  { topic, eventData }: AnyContext,
  event: AppendedEvent,
): FieldFault[] => {
  const { type, data } = event
  const schema = Object.hasOwn(eventData, type) ? eventData[type] : undefined
  if (!schema) return [{ pointer: '/type', detail: `${topic} has no event type ${JSON.stringify(type)}` }]
  try {
    encode(topic, { type, data } as unknown as DomainEvent)
  } catch (error) {
    if (!(error instanceof EncodeError)) throw error
    const path = (error.path ?? '').split('.').filter(Boolean)
    return [{ pointer: ['/data', ...path].join('/'), detail: error.message }]
  }
  return schemaFaults(schema, data).map(({ pointer, detail }) => ({ pointer: `/data${pointer}`, detail }))
}

/** The body as events of the topic; 422 that names every event which is none, before anything is written. */
const parseEvents = (
  codec: Encode,
  context: AnyContext,
  events: readonly AppendedEvent[],
): ProposedEvent[] => {
  const errors = events.flatMap((event, index) =>
    faultsOf(codec, context, event).map((fault) => ({ ...fault, pointer: `/${index}${fault.pointer}` })),
  )
  const [first] = errors
  if (first) throw problems.invalidEvent(`${first.pointer}: ${first.detail}`, { errors: errors.slice(0, 20) })
  // They have just been encoded by the schema of their type.
  return events as unknown as ProposedEvent[]
}

const headers = z.object({
  'idempotency-key': idempotencyKeyField,
  'expected-version': expectedVersionField,
})

type AppendCall = Call<
  z.output<typeof streamParams>,
  unknown,
  z.output<typeof headers>,
  z.output<typeof eventsBody>
>

const toRequest = (codec: Encode, call: AppendCall): WriteRequest => {
  const stream = call.params.id
  const aggregate = parseStream(stream)
  if (!aggregate) throw problems.notFound(`no context has a stream ${JSON.stringify(stream)}`)
  const events = parseEvents(codec, aggregate.context, call.body)
  return {
    ...aggregate,
    decide: () => ({ type: 'accepted', events }),
    ...originOf(call, ROUTE),
    idempotencyKey: call.headers['idempotency-key'],
    precondition: call.headers['expected-version'],
    occurredAt: undefined,
  }
}

const otherVersion = (currentVersion: number) =>
  problems.conflict(`the stream is at version ${currentVersion}`, { members: { currentVersion } })

/** Of the keys of all appends. */
const ROUTE = 'POST /streams/:id/events'

/** Appends events as they are: only the aggregate's own fold is asked whether they can be. */
export const appendRoute = ({ codec, handle }: { codec: Encode; handle: HandleWrite }): Route =>
  defineRoute({
    method: 'post',
    path: '/streams/:id/events',
    operation: 'appendEvents',
    summary: 'Append events to a stream, past the rules of its commands',
    scope: 'streams:append',
    params: streamParams,
    headers,
    body: { schema: eventsBody },
    replies: { 200: writtenReply },
    problems: {
      404: 'No context has such a stream.',
      409: conflictProblem(
        'The stream is at another version, or the first request under this key is still running.',
      ),
      422: refusedProblem(
        'An event does not fit, an inline read model refuses it, or the key was used for another request.',
        contexts.flatMap(({ rejections }) => rejections),
      ),
    },
    handle: async (call) => toReply(await handle(toRequest(codec, call)), otherVersion),
  })
