/*
 * A partition as a lane sees it, without Kafka: records are appended with the next offset, and with the next sequence
 * when they are the relay's, and handed to a lane in one go or in pieces.
 */
import { toHeaders, toMessageKey, type Codec, type DomainEvent, type TopicName } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import { recorded } from '@millrace/testkit'

type Place = { readonly topic: TopicName; readonly partition: number }

type Given = {
  readonly key: string
  readonly at?: number
  readonly committedAt?: number
  readonly tenant?: string
}

export class PartitionLog {
  readonly records: KafkaRecord[] = []
  readonly #codec: Codec
  readonly place: Place
  readonly #versions = new Map<string, number>()
  #sequence = 0

  constructor(codec: Codec, place: Place) {
    this.#codec = codec
    this.place = place
  }

  /** Appends an event of the aggregate `key`, which happened, and was committed, at these UTC ms. */
  append(event: DomainEvent, { key, at, committedAt, tenant = 'demo' }: Given): KafkaRecord {
    const version = (this.#versions.get(key) ?? 0) + 1
    this.#versions.set(key, version)
    this.#sequence += 1
    const occurred = at === undefined ? {} : { occurredAt: at }
    const full = recorded(event, { tenant, key, version, sequence: this.#sequence, ...occurred })
    return this.put({
      key: Buffer.from(toMessageKey(full)),
      value: this.#codec.encode(this.place.topic, event),
      headers: toHeaders({ ...full, traceparent: null }),
      timestamp: committedAt ?? full.occurredAt,
    })
  }

  /** Like `append`, but with another value in the place of the event's own. */
  appendSpoilt(event: DomainEvent, { value, ...given }: Given & { value: Buffer | null }): KafkaRecord {
    const record = { ...this.append(event, given), value }
    this.records[this.records.length - 1] = record
    return record
  }

  /** A record as it is. */
  put(record: Pick<KafkaRecord, 'key' | 'value' | 'headers'> & { timestamp?: number }): KafkaRecord {
    const put = { timestamp: 0, ...this.place, ...record, offset: BigInt(this.records.length) }
    this.records.push(put)
    return put
  }
}
