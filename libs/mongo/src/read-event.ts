import type { CommitDocument } from './documents.ts'
import { toStoredEvents, type StoredEvent } from './load-streams.ts'

/** An event with what its commit knows of it. */
export type ReadEvent = StoredEvent &
  Pick<CommitDocument, 'stream' | 'topic' | 'correlationId' | 'causationId' | 'actor'>

/** What one read may give: it ends with the event that reaches one of them, so at least one comes, whatever its size. */
export type PageLimits = {
  readonly events: number
  /** Of the events' data as it is stored, in Avro. */
  readonly bytes: number
}

export const readEventsOf = (commit: CommitDocument): ReadEvent[] => {
  const { stream, topic, correlationId, causationId, actor } = commit
  return toStoredEvents(commit).map((event) => ({
    ...event,
    stream,
    topic,
    correlationId,
    causationId,
    actor,
  }))
}
