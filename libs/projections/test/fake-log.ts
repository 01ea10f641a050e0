/*
 * Partitions of the log as the store would give them: an event is appended to the partition of its topic, with the next
 * sequence, and read in stretches of `stretch` events.
 */
import { topics, type Codec, type DomainEvent, type TopicName } from '@millrace/events'
import type { LoggedEvent, PartitionLog, ShardId } from '@millrace/mongo'
import { recorded } from '@millrace/testkit'

type Given = {
  readonly key: string
  readonly tenant?: string
  readonly partition?: number
  /** UTC ms. */
  readonly at?: number
  readonly committedAt?: number
  /** In the place of its own. */
  readonly bytes?: Buffer
}

export class FakeLog implements PartitionLog {
  /** Reads that have begun and were neither read to their end nor given up. */
  underWay = 0
  stretch = 3
  readonly #codec: Codec
  readonly #partitions = new Map<string, LoggedEvent[]>()
  readonly #versions = new Map<string, number>()

  constructor(codec: Codec) {
    this.#codec = codec
  }

  append(event: DomainEvent, given: Given): LoggedEvent {
    const { key, tenant = 'demo', partition = 0, at, committedAt, bytes } = given
    const topic = topicOf(event)
    const events = this.#eventsOf({ topic, partition })
    const version = (this.#versions.get(`${tenant}/${key}`) ?? 0) + 1
    this.#versions.set(`${tenant}/${key}`, version)
    const { type, data: _data, key: _key, ...identity } = recorded(event, { tenant, key, version })
    const occurredAt = at ?? identity.occurredAt
    const logged = {
      ...identity,
      ...{ type, topic, occurredAt, sequence: events.length + 1 },
      committedAt: committedAt ?? occurredAt,
      bytes: bytes ?? this.#codec.encode(topic, event),
    }
    events.push(logged)
    return logged
  }

  async *read(shard: ShardId, after: number): AsyncGenerator<readonly LoggedEvent[]> {
    this.underWay += 1
    try {
      for (let from = after; ; from += this.stretch) {
        const events = this.#eventsOf(shard).slice(from, from + this.stretch)
        if (events.length === 0) return
        yield events
      }
    } finally {
      this.underWay -= 1
    }
  }

  #eventsOf({ topic, partition }: ShardId): LoggedEvent[] {
    const place = `${topic}/${partition}`
    const events = this.#partitions.get(place) ?? []
    this.#partitions.set(place, events)
    return events
  }
}

const topicOf = ({ type }: DomainEvent): TopicName => {
  const found = Object.values(topics).find(({ recordTypes }) => recordTypes.some((one) => one === type))
  if (found) return found.name
  throw new TypeError(type)
}
