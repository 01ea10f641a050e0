import {
  heartbeatBody,
  heartbeatReceived,
  processKeyOf,
  processStreamOf,
  type HeartbeatBody,
} from '@millrace/domain'
import { toHeaders, toMessageKey, topics, type Codec } from '@millrace/events'
import type { OutgoingMessage, PartitionProducer } from '@millrace/kafka'
import { parseAs, problems, type Call, type Route } from '@millrace/runtime'
import { z } from 'zod'

const TOPIC = topics['heartbeat.received']
const MAX_HEARTBEATS = 1_000
const heartbeatsBody = z.array(heartbeatBody).min(1).max(MAX_HEARTBEATS)

export type HeartbeatDeps = {
  readonly codec: Codec
  readonly newId: () => string
  readonly partitionOf: (topic: string, messageKey: string) => number
  readonly producerOf: (partition: number) => Pick<PartitionProducer, 'send'>
}

const parseLine = (line: string, number: number): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    throw problems.badRequest(`line ${number} is not JSON`)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

const textOf = (raw: Buffer): string => {
  try {
    return UTF8.decode(raw)
  } catch {
    throw problems.badRequest('the body is not UTF-8')
  }
}

const parseNdjson = (raw: Buffer): unknown[] =>
  textOf(raw)
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]))

const isNdjson = (call: Call): boolean => /^application\/x-ndjson\b/i.test(call.header('content-type') ?? '')

const bodyOf = (call: Call): HeartbeatBody[] =>
  parseAs(heartbeatsBody, isNdjson(call) ? parseNdjson(call.rawBody) : call.json())

/** Measurements, not decisions: they go straight to their topic and are acknowledged when Kafka has them. */
export const heartbeatRoute = (deps: HeartbeatDeps): Route => {
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

  return {
    method: 'post',
    path: '/heartbeats',
    handle: async (call) => {
      const messages = bodyOf(call).map((body) => toMessage(call, body))
      const byPartition = Map.groupBy(messages, (message) => message.partition)
      await Promise.all([...byPartition].map(([partition, group]) => deps.producerOf(partition).send(group)))
      return { status: 202, body: { accepted: messages.length } }
    },
  }
}
