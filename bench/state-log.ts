// process.state as a table and the relay of the outbox fill it: changes of all keys in turn.

import { processKeyOf, processState } from '@millrace/domain'
import { connectCodec, toMessageKey, topics } from '@millrace/events'
import { connectKafka, makePartitionProducer, partitionFor, type OutgoingMessage } from '@millrace/kafka'
import { newId, silentLogger } from '@millrace/runtime'
import { toOutgoing } from '../services/command-api/src/outbox/to-outgoing.ts'
import { toMessage } from '../services/projector/src/table-message.ts'
import { heartbeatOf } from './heartbeat-shape.ts'
import type { BenchServers } from './servers.ts'

const TOPIC = topics['process.state']
/** As many as the relay takes at once. */
const SEND = 1_000

export type StateLog = {
  /** Goes on with so many changes. */
  grow(changes: number): Promise<void>
  close(): Promise<void>
}

export const openStateLog = async (servers: BenchServers, keys: number): Promise<StateLog> => {
  const codec = await connectCodec({ registryUrl: servers.registry, writes: [TOPIC.name] })
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'bench', logger: silentLogger })
  const lanes = Array.from({ length: TOPIC.partitions }, (_, partition) => ({
    waiting: [] as OutgoingMessage[],
    producer: makePartitionProducer(kafka, { topic: TOPIC.name, partition }),
  }))
  let changes = 0

  const change = (): OutgoingMessage => {
    const number = ++changes
    const { at, ...body } = heartbeatOf(number - 1, keys)
    const key = toMessageKey({ tenant: 'demo', key: processKeyOf(body) })
    const state = { ...body, status: 'alive', lastSeenAt: at, heardAt: at } as const
    const { payload, headers = {} } = toMessage(
      { codec, table: processState },
      { id: key, state, version: number, atMs: at },
    )
    const row = { id: newId(), key, number, oldest: number, payload, headers, addedAt: new Date() }
    return toOutgoing(row)
  }
  const send = async (atLeast: number): Promise<void> => {
    const full = lanes.filter(({ waiting }) => waiting.length >= atLeast)
    await Promise.all(full.map(({ waiting, producer }) => producer.send(waiting.splice(0, SEND))))
  }
  return {
    grow: async (more) => {
      for (const end = changes + more; changes < end;) {
        const message = change()
        lanes[partitionFor(String(message.key), TOPIC.partitions)]?.waiting.push(message)
        // Those of all partitions become full together.
        if (changes % (SEND * TOPIC.partitions) === 0) await send(SEND)
      }
      while (lanes.some(({ waiting }) => waiting.length > 0)) await send(1)
    },
    close: async () => void (await Promise.all(lanes.map(({ producer }) => producer.close()))),
  }
}
