import type { PublicationDocument, ShardId } from './documents.ts'

/** A commit in its place in the log of a partition. */
export type LoggedCommit = {
  readonly id: string
  readonly firstSequence: number
  readonly lastSequence: number
}

export const commitsOf = ({ commitIds, eventCounts, firstSequence }: PublicationDocument): LoggedCommit[] => {
  let next = firstSequence
  return commitIds.map((id, index) => {
    const first = next
    next += eventCounts[index] ?? 0
    return { id, firstSequence: first, lastSequence: next - 1 }
  })
}

export const placeOf = ({ topic, partition }: ShardId): string => `${topic}/${partition}`

/** Filter on records, by the members of their `_id`, as the indexes have them. */
export const inShard = ({ topic, partition }: ShardId) => ({
  '_id.topic': topic,
  '_id.partition': partition,
})
