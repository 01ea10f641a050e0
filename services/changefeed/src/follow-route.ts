import { buildName, readModelCollection, type FedCollection, type FeedRoute } from '@millrace/mongo'
import type { Feed } from './feed.ts'
import type { FeedDeps } from './feed-deps.ts'

/** From where to where a feed goes at this moment. */
export const followRoute = async (
  deps: Pick<FeedDeps, 'builds' | 'incarnationOf'>,
  { topic, source }: Feed,
): Promise<FeedRoute & { readonly of: FedCollection }> => {
  const of = await collectionOf(deps, source)
  return { of, collection: of.name, topic, incarnation: await deps.incarnationOf(topic) }
}

const collectionOf = async (
  { builds }: Pick<FeedDeps, 'builds'>,
  source: Feed['source'],
): Promise<FedCollection> => {
  if (source.type === 'collection') return { name: source.name, isReadModel: false }
  const { name, version } = source
  const { served } = (await builds.read(name)) ?? (await builds.register(name, version))
  return { name: readModelCollection(buildName(name, served)), isReadModel: true }
}
