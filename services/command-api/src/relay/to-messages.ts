import { toHeaders, toMessageKey } from '@millrace/events'
import type { OutgoingMessage } from '@millrace/kafka'
import type { PlannedCommit } from '@millrace/mongo'

const extensionsOf = (metadata: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).map(([name, value]) => [`ce_${name}`, value]))

/** Records of a publication: sequences count up from `firstSequence`, the timestamp is the commit's time. */
export const toMessages = (commits: readonly PlannedCommit[], firstSequence: number): OutgoingMessage[] => {
  let sequence = firstSequence
  return commits.flatMap((commit) =>
    commit.events.map((event, index) => ({
      key: toMessageKey(commit),
      value: event.bytes,
      timestamp: commit.committedAt.getTime(),
      headers: {
        ...extensionsOf(event.metadata),
        ...toHeaders({
          id: event.id,
          type: event.type,
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
      },
    })),
  )
}
