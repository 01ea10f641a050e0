import type { KafkaRecord } from '@millrace/kafka'
import type { Checkpoint, CheckpointId } from '@millrace/mongo'

export type Standing = {
  readonly id: CheckpointId
  readonly checkpoint: Pick<Checkpoint, 'nextOffset' | 'incarnation'>
  readonly deps: { readonly incarnationOf: (topic: string) => Promise<number> }
}

/**
 * Whether the topic was created anew under a lane that goes by offsets: it is handed what it takes for repeats, and would pass
 * it by until the new topic is as long as the old one was. A lane that is claimed again begins with the first record.
 */
export const hasBegunAnew = async (
  { id, checkpoint, deps }: Standing,
  records: readonly KafkaRecord[],
): Promise<boolean> => {
  const [first] = records
  if (!first || first.offset >= BigInt(checkpoint.nextOffset)) return false
  return (await deps.incarnationOf(id.topic)) > checkpoint.incarnation
}
