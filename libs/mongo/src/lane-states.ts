import { collectionsOf } from './collections.ts'
import type { MongoConnection } from './connect-mongo.ts'
import type { CheckpointDocument, CheckpointId } from './documents.ts'
import { translating } from './mongo-error.ts'

export type LaneState = Pick<
  CheckpointDocument,
  'nextOffset' | 'lastSequence' | 'lastId' | 'lastTs' | 'owner' | 'stopped'
> & { readonly id: CheckpointId }

/** What the lanes of a build have left in the store, for those who watch them. */
export type LaneStates = {
  checkpoints(build: string): Promise<LaneState[]>
  counts(build: string): Promise<{ parked: number; late: number }>
}

export const mongoLaneStates = (connection: MongoConnection): LaneStates => {
  const { checkpoints, parkedEvents, lateEvents } = collectionsOf(connection)
  return {
    checkpoints: (build) =>
      translating(async () => {
        const found = await checkpoints.find({ '_id.projection': build }).toArray()
        return found.map(({ _id: id, ...state }) => ({ id, ...state }))
      }),
    counts: (build) =>
      translating(async () => ({
        parked: await parkedEvents.countDocuments({ projection: build }),
        late: await lateEvents.countDocuments({ projection: build }),
      })),
  }
}
