import { hostname } from 'node:os'
import { inlineProjections, versionedName } from '@millrace/domain'
import {
  inlineReadModels,
  mongoPresences,
  type EventStore,
  type MongoConnection,
  type Presence,
} from '@millrace/mongo'
import { ConfigError } from '@millrace/runtime'

/**
 * Says that a writer is here, and then makes sure that the inline read models of this code are the ones that the store
 * has: one that is not built would count from now on, and one that this code does not know would miss its commits.
 * Throws ConfigError.
 */
export const enterStore = async (
  mongo: MongoConnection,
  onLost: (error: unknown) => void,
): Promise<Presence> => {
  const presences = mongoPresences(mongo)
  const name = `command-api on ${hostname()} (process ${process.pid})`
  const presence = await presences.enter({ role: 'writer', name, onLost })
  try {
    const builders = await presences.others(presence, ['builder'])
    const built = await inlineReadModels(mongo).listBuilt()
    const faults = [...builders.map(atWork), ...differences(built)]
    if (faults.length > 0) throw new ConfigError(faults)
    return presence
  } catch (error) {
    await presence.leave()
    throw error
  }
}

const atWork = (builder: string): string =>
  `MONGO_DATABASE: ${builder} is building inline read models: start again when it is done`

const differences = (built: readonly string[]): string[] => {
  const known = inlineProjections.map(versionedName)
  const unbuilt = known.filter((name) => !built.includes(name))
  const unknown = built.filter((name) => !known.includes(name))
  return [
    ...unbuilt.map(
      (name) => `MONGO_DATABASE: the inline read model ${name} is not built: run \`millrace setup\``,
    ),
    ...unknown.map(
      (name) =>
        `MONGO_DATABASE: the store has the inline read model ${name}, which this version does not know and would ` +
        'leave behind: start the version that was set up, or run `millrace setup` of this one',
    ),
  ]
}

/** A store that takes no commit of a process that may be taken to be gone. */
export const whilePresent = (store: EventStore, presence: Presence): EventStore => ({
  ...store,
  append: async (...args) => {
    await presence.confirm()
    return store.append(...args)
  },
})
