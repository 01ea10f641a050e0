import { contexts, streamOf, type AnyProjection, type Document } from '@millrace/domain'
import type { StreamReader } from '@millrace/mongo'
import type { OpenEvents } from './why/open-events.ts'

export type FoldOnDemand = (
  projection: AnyProjection,
  document: { tenant: string; key: string },
) => Promise<Document | null>

const PAGE = { events: 500, bytes: 4 * 1024 * 1024 }

/** Name of the stream that a document of one aggregate is made from. */
export const streamFor = ({ sources: [topic] }: AnyProjection, key: string): string => {
  const context = contexts.find((candidate) => candidate.topic === topic)
  if (!context) throw new Error(`no context has the topic ${topic}`)
  return streamOf(context, key)
}

/**
 * The document of one aggregate from its stream, as it is acknowledged: the same `evolve` as everywhere, and nothing
 * kept. Throws for an event that cannot be read or cannot be.
 */
export const makeFoldOnDemand =
  ({ streams, openEvents }: { streams: Pick<StreamReader, 'read'>; openEvents: OpenEvents }): FoldOnDemand =>
  async (projection, { tenant, key }) => {
    const stream = streamFor(projection, key)
    let document: Document | null = null
    let from: number | null = 1
    while (from !== null) {
      const page = await streams.read({ tenant, stream, from, direction: 'forward', limits: PAGE })
      for (const { event, stored } of await openEvents({ projection, tenant }, page?.events ?? [])) {
        if (!event) throw new Error(`version ${stored.version} of ${stream} cannot be read`)
        document = projection.evolve(document, event, { key })
      }
      from = page?.next ?? null
    }
    return document
  }
