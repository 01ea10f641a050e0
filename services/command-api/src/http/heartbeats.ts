import {
  heartbeatBody,
  heartbeatReceived,
  processKeyOf,
  processStreamOf,
  type HeartbeatBody,
} from '@millrace/domain'
import { toHeaders, toMessageKey, topics, type Codec } from '@millrace/events'
import { messageBytes, type OutgoingMessage, type PartitionProducer } from '@millrace/kafka'
import {
  countWithin,
  defineRoute,
  positionTokens,
  type Call,
  type Route,
  type TokenSigner,
} from '@millrace/runtime'
import { z } from 'zod'

const TOPIC = topics['heartbeat.received']
const MAX_HEARTBEATS = 1_000
const heartbeatsBody = z.array(heartbeatBody).min(1).max(MAX_HEARTBEATS)

/**
 * Of one send: Kafka refuses a batch above 1 MiB as a whole. One heartbeat is at most a few KiB, its key, headers and
 * value all bounded, but a thousand of one partition can have 3 MiB.
 */
export const MAX_SEND_BYTES = 900 * 1024

export type HeartbeatDeps = {
  readonly codec: Codec
  readonly newId: () => string
  readonly partitionOf: (topic: string, messageKey: string) => number
  readonly producerOf: (partition: number) => Pick<PartitionProducer, 'send'>
  readonly signer: TokenSigner
}

const accepted = z.strictObject({
  accepted: z.int(),
  position: z.string().describe('Of these heartbeats, for `?after=` of query-api.'),
})

/** One send after the other: nothing goes behind one that failed. Gives the offset of the last message. */
const sendInOrder = async (
  producer: Pick<PartitionProducer, 'send'>,
  messages: readonly OutgoingMessage[],
): Promise<number> => {
  let rest = messages
  let lastOffset = 0
  while (rest.length > 0) {
    const count = countWithin(rest, messageBytes, MAX_SEND_BYTES)
    const { baseOffset } = await producer.send(rest.slice(0, count))
    lastOffset = Number(baseOffset) + count - 1
    rest = rest.slice(count)
  }
  return lastOffset
}

/** Measurements, not decisions: they go straight to their topic and are acknowledged when Kafka has them. */
export const heartbeatRoute = (deps: HeartbeatDeps): Route => {
  const positions = positionTokens(deps.signer)
  const toMessage = (call: Call, body: HeartbeatBody): OutgoingMessage & { partition: number } => {
    const { tenant, id: actor } = call.principal
    const key = toMessageKey({ tenant, key: processKeyOf(body) })
    const event = heartbeatReceived(body)
    return {
      partition: deps.partitionOf(TOPIC.name, key),
      key,
      value: deps.codec.encode(TOPIC.name, event),
      headers: toHeaders({
        id: deps.newId(),
        type: event.type,
        tenant,
        stream: processStreamOf(body),
        // A measurement belongs to no decision: its stream has no versions and its number is its offset.
        version: 0,
        sequence: null,
        traceparent: null,
        occurredAt: body.at,
        correlationId: call.requestId,
        causationId: call.requestId,
        actor,
      }),
    }
  }

  return defineRoute({
    method: 'post',
    path: '/heartbeats',
    operation: 'sendHeartbeats',
    summary: 'Heartbeats of processes',
    description: 'After a 503 a part of them may have been taken; all may be sent again.',
    scope: 'heartbeats:write',
    body: { schema: heartbeatsBody, types: ['application/json', 'application/x-ndjson'] },
    replies: {
      202: { description: 'Kafka has them', schema: accepted },
    },
    handle: async (call) => {
      const messages = call.body.map((body) => toMessage(call, body))
      const byPartition = Map.groupBy(messages, (message) => message.partition)
      const sent = [...byPartition].map(
        async ([partition, group]) =>
          [String(partition), await sendInOrder(deps.producerOf(partition), group)] as const,
      )
      const offsets = Object.fromEntries(await Promise.all(sent))
      const position = positions.of(call.principal.tenant, { topic: TOPIC.name, offsets })
      return { status: 202, body: { accepted: messages.length, position } }
    },
  })
}
