import { randomUUID } from 'node:crypto'
import { toHeaders, toMessageKey, topics, type Codec, type DomainEvent } from '@millrace/events'
import {
  makePartitionProducer,
  partitionFor,
  type KafkaConnection,
  type OutgoingMessage,
} from '@millrace/kafka'
import { pause } from '@millrace/runtime'
import { orderDelivered, orderPaid, orderPlaced, orderShipped } from '@millrace/testkit'

/** A shop that never closes: at each tick some orders are placed, and the ones before go a step further. */
export type OrderLoad = {
  /** Events that Kafka has, by partition: their sequences are 1 to that. */
  written(): readonly number[]
  stop(): Promise<void>
}

const TOPIC = topics['orders.order.events']
const TICK_MS = 25
const ORDERS_PER_TICK = 6
const life: readonly DomainEvent[] = [orderPlaced(), orderPaid(), orderShipped(), orderDelivered()]

type Placed = { readonly partition: number; readonly message: OutgoingMessage }

/** Makes records as the relay does, numbered in their partition. */
const makeWriter = (codec: Codec) => {
  const sequences = new Map<number, number>()
  return (event: DomainEvent, key: string, version: number): Placed => {
    const messageKey = toMessageKey({ tenant: 'demo', key })
    const partition = partitionFor(messageKey, TOPIC.partitions)
    const sequence = (sequences.get(partition) ?? 0) + 1
    sequences.set(partition, sequence)
    const id = randomUUID()
    const identity = {
      id,
      type: event.type,
      tenant: 'demo',
      stream: `orders.order-${key}`,
      version,
      sequence,
    }
    const origin = {
      occurredAt: Date.now(),
      correlationId: id,
      causationId: id,
      actor: 'test',
      traceparent: null,
    }
    const headers = toHeaders({ ...identity, ...origin })
    return { partition, message: { key: messageKey, value: codec.encode(TOPIC.name, event), headers } }
  }
}

export const startOrderLoad = (
  connection: KafkaConnection,
  codec: Codec,
  ordersPerTick = ORDERS_PER_TICK,
): OrderLoad => {
  const producers = Array.from({ length: TOPIC.partitions }, (_, partition) =>
    makePartitionProducer(connection, { topic: TOPIC.name, partition }),
  )
  const written = producers.map(() => 0)
  const write = makeWriter(codec)
  const stopping = new AbortController()

  const eventsOfTick = (tick: number): Placed[] =>
    life.flatMap((event, step) =>
      step > tick
        ? []
        : Array.from({ length: ordersPerTick }, (_, n) => write(event, `o-${tick - step}-${n}`, step + 1)),
    )

  const send = async (events: readonly Placed[]): Promise<void> => {
    await Promise.all(
      [...Map.groupBy(events, ({ partition }) => partition)].map(async ([partition, group]) => {
        await producers[partition]?.send(group.map(({ message }) => message))
        written[partition] = (written[partition] ?? 0) + group.length
      }),
    )
  }

  const run = async (): Promise<void> => {
    for (let tick = 0; !stopping.signal.aborted; tick++) {
      await send(eventsOfTick(tick))
      await pause(TICK_MS, stopping.signal)
    }
  }

  const running = run()
  return {
    written: () => [...written],
    stop: async () => {
      stopping.abort()
      await running
      await Promise.all(producers.map((producer) => producer.close()))
    },
  }
}
