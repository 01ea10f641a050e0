import { streamIdOf, type AggregateRef } from '@millrace/aggregates'
import { parseStream } from '@millrace/domain'
import { DecodeError, parseHeaders, type EventMetadata } from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'

/** A stream that some records belong to. */
export type Touched = {
  readonly ref: AggregateRef
  /** The highest among the records. */
  readonly version: number
  /** When that version was committed, in UTC milliseconds. */
  readonly atMs: number
  /** When the stream began; undefined when its first event is not among the records. */
  readonly startedAtMs: number | undefined
}

export type TouchedStreams = {
  readonly touched: readonly Touched[]
  /** Of the last event of the relay; undefined when there is none. */
  readonly last: { readonly sequence: number; readonly id: string } | undefined
  /** Records that belong to no stream of ours, or do not say to which. */
  readonly unreadable: number
}

/** Goes by the headers alone: what an event says does not matter here. */
export const readTouched = (records: readonly KafkaRecord[]): TouchedStreams => {
  const streams = new Map<string, Touched>()
  let last: TouchedStreams['last']
  let unreadable = 0
  for (const record of records) {
    const read = readOne(record)
    if (!read) {
      unreadable += 1
      continue
    }
    const { ref, metadata } = read
    const { tenant, stream } = streamIdOf(ref)
    const name = JSON.stringify([tenant, stream])
    const { version, sequence, id } = metadata
    streams.set(name, later(streams.get(name), { ref, version, atMs: record.timestamp }))
    if (sequence !== null) last = { sequence, id }
  }
  return { touched: [...streams.values()], last, unreadable }
}

const later = (known: Touched | undefined, seen: Omit<Touched, 'startedAtMs'>): Touched => {
  const startedAtMs = seen.version === 1 ? seen.atMs : known?.startedAtMs
  return known && known.version > seen.version ? { ...known, startedAtMs } : { ...seen, startedAtMs }
}

const readOne = ({ headers }: KafkaRecord): { ref: AggregateRef; metadata: EventMetadata } | undefined => {
  const metadata = metadataOf(headers)
  const parsed = metadata && parseStream(metadata.stream)
  return parsed ? { ref: { tenant: metadata.tenant, ...parsed }, metadata } : undefined
}

const metadataOf = (headers: KafkaRecord['headers']): EventMetadata | undefined => {
  try {
    return parseHeaders(headers)
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}
