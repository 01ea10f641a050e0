import type { CheckpointId } from './documents.ts'

/** Members and their order are the identity of an embedded `_id`; a caller's object may have more, or another order. */
export const exactly = ({ projection, topic, partition }: CheckpointId): CheckpointId => ({
  projection,
  topic,
  partition,
})

/** For maps. */
export const laneNameOf = ({ projection, topic, partition }: CheckpointId): string =>
  `${projection}/${topic}/${partition}`
