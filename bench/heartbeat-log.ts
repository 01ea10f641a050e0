// heartbeat.received as command-api fills it: requests of 500 heartbeats, of all processes in turn.

import { heartbeatReceived, processKeyOf, processStreamOf } from '@millrace/domain'
import { connectCodec, toHeaders, toMessageKey, topics } from '@millrace/events'
import { connectKafka, makePartitionProducer, partitionFor, type OutgoingMessage } from '@millrace/kafka'
import { newId, silentLogger } from '@millrace/runtime'
import { heartbeatOf } from './heartbeat-shape.ts'
import type { BenchServers } from './servers.ts'

const TOPIC = topics['heartbeat.received']
const REQUEST = 500

export type Heartbeats = { readonly n: number; readonly processes: number }

export const fillHeartbeats = async (servers: BenchServers, { n, processes }: Heartbeats): Promise<void> => {
  const { encode } = await connectCodec({ registryUrl: servers.registry, writes: [TOPIC.name] })
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const producers = Array.from({ length: TOPIC.partitions }, (_, partition) =>
    makePartitionProducer(kafka, { topic: TOPIC.name, partition }),
  )
  const toMessage = (index: number, request: string): OutgoingMessage => {
    const body = heartbeatOf(index, processes)
    const event = heartbeatReceived(body)
    return {
      key: toMessageKey({ tenant: 'demo', key: processKeyOf(body) }),
      value: encode(TOPIC.name, event),
      headers: toHeaders({
        ...{ id: newId(), type: event.type, tenant: 'demo', stream: processStreamOf(body), version: 0 },
        ...{ occurredAt: body.at, correlationId: request, causationId: request, actor: 'dev' },
        ...{ sequence: null, traceparent: null },
      }),
    }
  }
  for (let from = 0; from < n; from += REQUEST) {
    const request = newId()
    const length = Math.min(REQUEST, n - from)
    const messages = Array.from({ length }, (_, index) => toMessage(from + index, request))
    const groups = Map.groupBy(messages, ({ key }) => partitionFor(String(key), TOPIC.partitions))
    await Promise.all([...groups].map(async ([partition, group]) => producers[partition]?.send(group)))
  }
  await Promise.all(producers.map((producer) => producer.close()))
}
