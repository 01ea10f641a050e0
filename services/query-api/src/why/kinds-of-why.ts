import type { AnyProjection } from '@millrace/domain'
import { topics } from '@millrace/events'

/**
 * exact: the document's events are those of one stream. scan: they are looked for in the log. Null where the event store
 * does not have them: measurements go to Kafka alone.
 */
export const whyOf = ({
  kind,
  sources,
}: Pick<AnyProjection, 'kind' | 'sources'>): 'exact' | 'scan' | null => {
  if (!sources.every((source) => topics[source].kind === 'events')) return null
  return kind === 'per-aggregate' || kind === 'on-demand' ? 'exact' : 'scan'
}
