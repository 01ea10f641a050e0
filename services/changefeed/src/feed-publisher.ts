// Puts messages into the partitions of a topic, all of them at the same time, each through a producer of which one at most
// can write. Who freezes with a message in hand is fenced by its heir before that one looks at anything; who freezes before
// it begins a send finds the lease lost, which is asked inside of the transaction, and sends nothing.

import { partitionFor, messageBytes, type FencedProducer, type OutgoingMessage } from '@millrace/kafka'
import { FeedLostError } from './feed-lost-error.ts'
import { MAX_SEND_BYTES } from './plan-changes.ts'

export type FeedPublisher = {
  /** Nobody who published before can from now on. Throws FeedLostError. */
  fence(): Promise<void>
  /** All are in Kafka for good when it resolves, those of a key in their order. Throws FeedLostError. */
  publish(messages: readonly OutgoingMessage[]): Promise<void>
  close(): Promise<void>
}

type PublisherDeps = {
  /** One for each partition. */
  readonly producers: readonly FencedProducer[]
  /** Asks the server. */
  readonly isHeld: () => Promise<boolean>
  /** A step was done. */
  readonly onStep: () => void
}

export const makeFeedPublisher = ({ producers, isHeld, onStep }: PublisherDeps): FeedPublisher => {
  const send = async (producer: FencedProducer, messages: readonly OutgoingMessage[]): Promise<void> => {
    for (const chunk of chunksOf(messages)) {
      const outcome = await producer.publish(async () => ((await isHeld()) ? chunk : []))
      if (outcome !== 'published') throw new FeedLostError()
      onStep()
    }
  }
  return {
    fence: () =>
      allAtRest(
        producers.map(async (producer) => {
          if ((await producer.publish(async () => [])) === 'fenced') throw new FeedLostError()
        }),
      ),
    publish: (messages) => {
      const byPartition = Map.groupBy(messages, ({ key }) => partitionFor(String(key), producers.length))
      return allAtRest(
        producers.map((producer, partition) => send(producer, byPartition.get(partition) ?? [])),
      )
    },
    close: () => allAtRest(producers.map((producer) => producer.close())),
  }
}

/** Throws what one of them threw, once none of them does anything any more. */
const allAtRest = async (work: readonly Promise<void>[]): Promise<void> => {
  const outcomes = await Promise.allSettled(work)
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

const chunksOf = function* (messages: readonly OutgoingMessage[]): Generator<readonly OutgoingMessage[]> {
  let chunk: OutgoingMessage[] = []
  let bytes = 0
  for (const message of messages) {
    const size = messageBytes(message)
    if (chunk.length > 0 && bytes + size > MAX_SEND_BYTES) {
      yield chunk
      chunk = []
      bytes = 0
    }
    chunk.push(message)
    bytes += size
  }
  if (chunk.length > 0) yield chunk
}
