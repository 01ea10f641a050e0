import type { Checkpoint, Progress } from '@millrace/mongo'
import { newId } from '@millrace/runtime'

/** With an id that no other has: a transaction that left the checkpoint as it is would not meet a claim. */
export const progressTo = ({ lastSequence }: Checkpoint, nextOffset: number, clockMs: number): Progress => ({
  ...{ nextOffset, lastSequence, lastId: newId() },
  ...{ lastTs: clockMs, watermark: clockMs },
})
