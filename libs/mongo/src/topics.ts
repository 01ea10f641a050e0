import type { MongoConnection } from './connect-mongo.ts'
import { collectionsOf } from './collections.ts'
import { translating } from './mongo-error.ts'

export type TopicIncarnations = {
  /**
   * Called before a topic that Kafka lacks is created: a topic known here begins a new incarnation, under which
   * offsets start at 0 and the relay publishes everything again. Raising first and creating second means that a
   * crash in between costs one needless republication and never a skipped one.
   */
  beforeCreate(topic: string, partitions: number): Promise<{ incarnation: number }>
  /** 0 for a topic that was never announced. */
  current(topic: string): Promise<number>
  /** Kafka has lost records of the topic in this incarnation. Kept, so that every relay and `setup` know. */
  reportEmptied(topic: string, incarnation: number): Promise<void>
  /** True from such a report until the next incarnation. */
  isEmptied(topic: string): Promise<boolean>
}

export const topicIncarnations = (connection: MongoConnection): TopicIncarnations => {
  const { topics } = collectionsOf(connection)
  return {
    beforeCreate: (topic, partitions) =>
      translating(async () => {
        const after = await topics.findOneAndUpdate(
          { _id: topic },
          { $inc: { incarnation: 1 }, $set: { partitions } },
          { upsert: true, returnDocument: 'after' },
        )
        return { incarnation: after?.incarnation ?? 1 }
      }),
    current: (topic) => translating(async () => (await topics.findOne({ _id: topic }))?.incarnation ?? 0),
    reportEmptied: (topic, incarnation) =>
      translating(async () => {
        await topics.updateOne({ _id: topic }, { $max: { emptiedIn: incarnation } }, { upsert: true })
      }),
    isEmptied: (topic) =>
      translating(async () => {
        const found = await topics.findOne({ _id: topic })
        return (found?.emptiedIn ?? -1) >= (found?.incarnation ?? 0)
      }),
  }
}
