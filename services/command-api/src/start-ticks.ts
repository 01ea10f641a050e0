// Whoever reads a topic by its clock (tables: what is silent for a while grows stale) needs it to go on when nothing else
// comes. So each replica writes a tick into every partition now and then: more of them harm nobody, and whichever
// replica is left goes on. The clock is the broker's: what a tick carries is not looked at.

import { toHeaders, toMessageKey, topics, type Codec } from '@millrace/events'
import type { OutgoingMessage, PartitionProducer } from '@millrace/kafka'
import { messageOf, pause, type Logger } from '@millrace/runtime'

const TOPIC = topics['heartbeat.received']
const TENANT = 'millrace'

export type TickDeps = {
  readonly codec: Pick<Codec, 'encode'>
  readonly newId: () => string
  readonly producerOf: (partition: number) => Pick<PartitionProducer, 'send'>
  readonly logger: Logger
  /** So much later than it could be, at most, a silent process is seen to be silent. 0: never. */
  readonly everyMs: number
}

export type Ticks = {
  /** Begins no other one. */
  stop(): void
}

export const startTicks = (deps: TickDeps): Ticks => {
  const stopping = new AbortController()
  const partitions = deps.everyMs === 0 ? 0 : TOPIC.partitions
  for (let partition = 0; partition < partitions; partition++) void tick(deps, partition, stopping.signal)
  return { stop: () => stopping.abort() }
}

const tick = async (deps: TickDeps, partition: number, signal: AbortSignal): Promise<void> => {
  const { producerOf, logger, everyMs } = deps
  let trouble: string | undefined
  while (!signal.aborted) {
    try {
      await producerOf(partition).send([toMessage(deps, partition)])
      trouble = undefined
    } catch (error) {
      // Without Kafka no clock goes on, and nothing grows stale.
      const again = messageOf(error)
      if (again !== trouble)
        logger.warn({ topic: TOPIC.name, partition, error: again }, 'no tick was written')
      trouble = again
    }
    await pause(everyMs, signal)
  }
}

const toMessage = ({ codec, newId, everyMs }: TickDeps, partition: number): OutgoingMessage => {
  const id = newId()
  const key = String(partition)
  return {
    key: toMessageKey({ tenant: TENANT, key }),
    value: codec.encode(TOPIC.name, { type: 'ClockTicked', data: { everyMs } }),
    headers: toHeaders({
      ...{ id, type: 'ClockTicked', tenant: TENANT, stream: `millrace.clock-${key}`, version: 0 },
      ...{ sequence: null, traceparent: null, occurredAt: Date.now() },
      ...{ correlationId: id, causationId: id, actor: 'command-api' },
    }),
  }
}
