// One lane = one partition of an event topic. Its place in the log is a checkpoint like a projection's, claimed under
// an epoch, but nothing is written with it: a snapshot that is taken twice is the same one, so what a process did
// before it died, or a zombie does after it was fenced, harms nobody.

import type { KafkaRecord, LaneOutcome, LaneSource } from '@millrace/kafka'
import type { Checkpoint, Progress, ProjectionStore } from '@millrace/mongo'
import { readTouched, type Touched, type TouchedStreams } from './read-touched.ts'

/** Consumer group, and name of the checkpoints. */
export const COMPACTOR_GROUP = 'compactor.snapshots'

export type CompactorLaneDeps = {
  readonly checkpoints: Pick<ProjectionStore, 'claim' | 'commit'>
  readonly incarnationOf: (topic: string) => Promise<number>
  readonly owner: string
  readonly compact: (touched: readonly Touched[]) => Promise<void>
  readonly onUnreadable: (records: number) => void
}

export const compactorLanes = (deps: CompactorLaneDeps): LaneSource => ({
  open: async ({ topic, partition }) => {
    const { checkpoints, owner } = deps
    const id = { projection: COMPACTOR_GROUP, topic, partition }
    let checkpoint = await checkpoints.claim(id, { owner, incarnation: await deps.incarnationOf(topic) })

    const apply = async (records: readonly KafkaRecord[]): Promise<LaneOutcome> => {
      const read = readTouched(records)
      await deps.compact(read.touched)
      const to = progressBehind(checkpoint, records, read.last)
      // When an earlier commit has landed after all, this one looks fenced, and the lane claims again.
      const outcome = await checkpoints.commit(id, { from: checkpoint, to, writes: [] })
      if (outcome === 'fenced') return { type: 'fenced' }
      checkpoint = { ...checkpoint, ...to }
      deps.onUnreadable(read.unreadable)
      return { type: 'applied', nextOffset: BigInt(to.nextOffset) }
    }

    return { nextOffset: BigInt(checkpoint.nextOffset), apply, close: async () => undefined }
  },
})

const progressBehind = (
  before: Checkpoint,
  records: readonly KafkaRecord[],
  last: TouchedStreams['last'],
): Progress => {
  const lastRecord = records.at(-1)
  const isAhead = last !== undefined && last.sequence > before.lastSequence
  return {
    nextOffset: lastRecord ? Number(lastRecord.offset) + 1 : before.nextOffset,
    lastSequence: isAhead ? last.sequence : before.lastSequence,
    lastId: isAhead ? last.id : before.lastId,
    lastTs: lastRecord?.timestamp ?? before.lastTs,
    watermark: null,
  }
}
