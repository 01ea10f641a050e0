import { shippedProjections, type AnyProjection } from '@millrace/domain'
import {
  buildName,
  mongoBuilds,
  type BuildRegistry,
  type Builds,
  type ProjectionStore,
} from '@millrace/mongo'
import { silentLogger } from '@millrace/runtime'
import { feedBuilds, type Feeding } from '../services/projector/src/feed-builds.ts'
import { startBuild, type ProjectorRig } from './projection-run.ts'

/** Of all projections that benches build. */
const VERSION = 'v1'

export type FeedOrder = {
  readonly projections: readonly AnyProjection[]
  readonly store: ProjectionStore
  /** Names of builds, alike for all projections; the list may change at any time. */
  readonly builds: () => readonly string[]
  readonly served: string
  readonly lookEveryMs?: number
}

/** Feeds builds as a projector does, but those that the bench names instead of those in the registry. */
export const feed = (rig: ProjectorRig, order: FeedOrder): Promise<Feeding> => {
  const { projections, store } = order
  return feedBuilds({
    registry: listing(mongoBuilds(rig.mongo), order),
    projections,
    code: shippedProjections,
    run: (fed) => startBuild(rig, store, fed),
    onCrash: (error) => {
      throw error
    },
    logger: silentLogger,
    ...(order.lookEveryMs === undefined ? {} : { lookEveryMs: order.lookEveryMs }),
  })
}

const listing = (registry: BuildRegistry, { builds, served }: FeedOrder): BuildRegistry => {
  const withOurs = (known: Builds): Builds => ({
    ...known,
    served,
    builds: builds().map((name) => ({ name, version: VERSION, startedAt: new Date() })),
  })
  return {
    ...registry,
    register: async (name, version) => withOurs(await registry.register(name, version)),
    all: async () => (await registry.all()).map(withOurs),
  }
}

export const namesOf = (projections: readonly AnyProjection[], build: string): string[] =>
  projections.map(({ name }) => buildName(name, build))
