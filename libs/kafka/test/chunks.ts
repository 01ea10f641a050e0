import type { FetchedChunk } from '../src/lane-queue.ts'
import type { KafkaRecord } from '../src/lane-source.ts'

export const recordAt = (offset: bigint): KafkaRecord => ({
  topic: 't',
  partition: 0,
  offset,
  timestamp: Number(offset),
  key: null,
  value: Buffer.from(String(offset)),
  headers: {},
})

type Overrides = Partial<Pick<FetchedChunk, 'sizes' | 'endOffset' | 'highWatermark'>>

/** A fetch of these offsets, ten bytes each unless told otherwise. */
export const chunkOf = (offsets: readonly bigint[], overrides: Overrides = {}): FetchedChunk => {
  const sizes = overrides.sizes ?? offsets.map(() => 10)
  const endOffset = overrides.endOffset ?? (offsets.at(-1) ?? -1n) + 1n
  return {
    fetchedOffset: offsets[0] ?? endOffset,
    endOffset,
    highWatermark: overrides.highWatermark ?? endOffset,
    records: offsets.map(recordAt),
    sizes,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    isJump: false,
  }
}

export const offsetsOf = (records: readonly KafkaRecord[] = []): bigint[] =>
  records.map(({ offset }) => offset)
