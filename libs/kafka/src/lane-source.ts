/** One record as a lane hands it on. Key, value and header buffers belong to the receiver; they are not reused. */
export type KafkaRecord = {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** UTC ms; the broker's clock on topics with LogAppendTime. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** Of a repeated header the last value. */
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>
  /** What a receiver has made of it, kept for the others of this process that get the same record. */
  memo?: unknown
}

export type TopicPartition = { readonly topic: string; readonly partition: number }

export type LaneOutcome =
  /** Everything below `nextOffset` is done for good; the rest of what was handed over comes again. */
  | { readonly type: 'applied'; readonly nextOffset: bigint }
  /** Somebody else has claimed the partition. */
  | { readonly type: 'fenced' }
  /** Only a human can let this partition go on. */
  | { readonly type: 'stopped'; readonly reason: string }

export type LaneSession = {
  /** Where to read on. It decides; the offset committed to Kafka does not. */
  readonly nextOffset: bigint
  /** A thrown error is transient: the same records come again after a back-off. Never called while one is under way. */
  apply(records: readonly KafkaRecord[]): Promise<LaneOutcome>
  close(): Promise<void>
}

export type LaneSource = {
  /** Claims the partition. A thrown error is transient: tried again after a back-off. */
  open(partition: TopicPartition): Promise<LaneSession>
}
