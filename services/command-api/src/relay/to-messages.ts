import { toHeaders, toMessageKey, type EventType } from '@millrace/events'
import type { OutgoingMessage } from '@millrace/kafka'
import type { PlannedCommit } from '@millrace/mongo'

/** Records of a publication: sequences count up from `firstSequence`, the timestamp is the commit's time. */
export const toMessages = (commits: readonly PlannedCommit[], firstSequence: number): OutgoingMessage[] => {
  let sequence = firstSequence
  return commits.flatMap((commit) =>
    commit.events.map((event, index) => ({
      key: toMessageKey(commit),
      value: event.bytes,
      timestamp: commit.committedAt.getTime(),
      headers: toHeaders({
        id: event.id,
        // The store only holds types that were encoded by the catalogue's own schemas.
        type: event.type as EventType,
        tenant: commit.tenant,
        stream: commit.stream,
        version: commit.first + index,
        occurredAt: event.occurredAt,
        correlationId: commit.correlationId,
        causationId: commit.causationId,
        actor: commit.actor,
        sequence: sequence++,
        traceparent: commit.traceparent ?? null,
      }),
    })),
  )
}
