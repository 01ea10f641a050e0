import type { Checkpoint, Progress } from '@millrace/mongo'
import type { TableClock } from '@millrace/projections'
import { newId } from '@millrace/runtime'

/** The watermark is the time that has passed; the last record's own time stands beside it. */
export const clockOf = ({ watermark, lastTs }: Pick<Progress, 'watermark' | 'lastTs'>): TableClock =>
  watermark === null || lastTs === null ? null : { clockMs: watermark, lastMs: lastTs }

/** With an id that no other has: a transaction that left the checkpoint as it is would not meet a claim. */
export const progressTo = (
  { lastSequence }: Checkpoint,
  nextOffset: number,
  clock: TableClock,
): Progress => ({
  ...{ nextOffset, lastSequence, lastId: newId() },
  ...{ lastTs: clock?.lastMs ?? null, watermark: clock?.clockMs ?? null },
})
