// Inline read models that the store has commits for and no documents of: each setup compares what is recorded as built
// with what the code has, and builds the difference while no command-api is at work (ADR 0010).

import { hostname } from 'node:os'
import {
  contexts,
  inlineChangesOf,
  inlineProjections,
  parseStream,
  toProjected,
  versionedName,
  type InlineRule,
} from '@millrace/domain'
import { readStored, type Codec, type TopicName } from '@millrace/events'
import {
  inlineReadModels,
  mongoPresences,
  type InlineChange,
  type MongoConnection,
  type Presence,
  type StoredCommit,
} from '@millrace/mongo'
import { PlatformError } from '@millrace/runtime'

export type OnFolded = (progress: { readonly folded: number; readonly total: number }) => void

export type BuildDeps = {
  readonly mongo: MongoConnection
  /** Asked for when there is something to build. */
  readonly connectCodec: () => Promise<Codec>
  readonly onFolded?: OnFolded | undefined
}

/** Gives the names of what it built. Throws STORE_IN_USE when that would be needed and others are at work. */
export const buildInlineReadModels = async (deps: BuildDeps): Promise<string[]> => {
  const { listBuilt } = inlineReadModels(deps.mongo)
  const different = differenceTo(await listBuilt())
  if (different.length === 0) return []
  const presence = await mongoPresences(deps.mongo).enter({
    role: 'builder',
    name: `millrace setup on ${hostname()} (process ${process.pid})`,
    // It asks before each batch.
    onLost: () => undefined,
  })
  try {
    await refuseUnlessAlone(deps.mongo, presence, different)
    // Only now: another setup may have done it meanwhile.
    return await buildMissing(deps, presence, await listBuilt())
  } finally {
    await presence.leave()
  }
}

const wantedNames: readonly string[] = inlineProjections.map(versionedName)

/** What is not built, and what this code no longer keeps up to date. */
const differenceTo = (built: readonly string[]): string[] => [
  ...wantedNames.filter((name) => !built.includes(name)),
  ...built.filter((name) => !wantedNames.includes(name)),
]

const refuseUnlessAlone = async (
  mongo: MongoConnection,
  presence: Presence,
  different: readonly string[],
): Promise<void> => {
  const others = await mongoPresences(mongo).othersAlive(presence, ['writer', 'builder'])
  if (others.length === 0) return
  throw new PlatformError({
    code: 'STORE_IN_USE',
    message:
      `the inline read models of the store have to change (${different.join(', ')}), and nobody may commit meanwhile; ` +
      `at work on it: ${others.join(', ')}. Stop command-api (scale it to 0), then run \`millrace setup\` again`,
    retryable: false,
  })
}

const buildMissing = async (
  { mongo, connectCodec, onFolded }: BuildDeps,
  presence: Presence,
  built: readonly string[],
): Promise<string[]> => {
  const models = inlineReadModels(mongo)
  const missing = inlineProjections.filter((projection) => !built.includes(versionedName(projection)))
  const isMissing = ({ projection }: InlineRule): boolean => missing.includes(projection)
  const codec = await connectCodec()
  if (missing.length > 0) {
    await models.build({
      models: missing.map((projection) => ({
        projection: versionedName(projection),
        indexes: projection.indexes,
      })),
      topics: contexts.filter(({ inline }) => inline.some(isMissing)).map(({ topic }) => topic),
      prepare: async (commits) => {
        await presence.confirm()
        const events = commits.flatMap((commit) => commit.events)
        await codec.ensureWriters(events.map(({ bytes }) => codec.writerIdOf(bytes)))
      },
      changesOf: (commit) => changesOf(codec, commit, isMissing),
      ...(onFolded ? { onFolded } : {}),
    })
  }
  await models.record(wantedNames, presence)
  return missing.map(versionedName)
}

/** As the commit would have made them, but for the say that a rule had in it: what is in the store was accepted. */
const changesOf = (
  codec: Codec,
  commit: StoredCommit,
  isMissing: (rule: InlineRule) => boolean,
): InlineChange[] => {
  const rules = parseStream(commit.stream)?.context.inline.filter(isMissing) ?? []
  const events = commit.events.map((stored) =>
    toProjected(commit, { ...stored, event: readStored(codec, commit.topic as TopicName, stored) }),
  )
  return inlineChangesOf(
    rules.map(({ projection }) => ({ projection, refuse: () => null })),
    events,
  )
}
