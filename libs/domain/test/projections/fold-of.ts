import type { Document, Projection } from '@millrace/domain'
import type { RecordedEvent } from '@millrace/events'

/** The document that these events of one aggregate make. */
export const foldOf = <Doc extends Document>(
  { evolve }: Projection<Doc>,
  events: readonly RecordedEvent[],
): Doc | null =>
  events.reduce<Doc | null>((document, event) => evolve(document, event, { key: event.key }), null)
