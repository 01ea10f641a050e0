// Which builds this instance feeds follows the registry, which is looked at every second: all builds of the chosen
// projections, each as a consumer group of its own. So a rebuild is nothing but one more group that begins at offset 0,
// shared by all instances, and goes on from its checkpoints wherever it was killed; the build that was served before
// stays fed until it is dropped.
//
// The served builds go first. The others take turns: while events arrive for a served one in this process, one lane of
// all that have a backlog works at a time, and rests as long as its batch took; and none does while a served lane is far
// behind.

import type { AnyProjection, ProjectionCode } from '@millrace/domain'
import type { PartitionConsumer } from '@millrace/kafka'
import { buildName, type Build, type BuildRegistry, type Builds } from '@millrace/mongo'
import { ConfigError, messageOf, pause, type Logger } from '@millrace/runtime'
import { isFarBehind, makeTurns, type Turns } from './turns.ts'

export type FeedDeps = {
  readonly registry: BuildRegistry
  /** The newest version of each projection that is fed here. */
  readonly projections: readonly AnyProjection[]
  readonly code: ProjectionCode
  /** Starts one build. */
  readonly run: (feed: Feed) => Promise<PartitionConsumer>
  readonly onCrash: (error: Error) => void
  readonly logger: Logger
  readonly lookEveryMs?: number
}

export type Feed = {
  readonly projection: AnyProjection
  /** Name of the data. */
  readonly build: string
  /** Waited for before each batch; what it gives is called when the batch is done. */
  readonly turn: () => Promise<() => void>
}

export type Feeding = {
  consumers(): readonly PartitionConsumer[]
  stop(): Promise<void>
}

/** What is fed, by build; `served` are the builds that readers get. */
type Running = {
  readonly consumers: Map<string, PartitionConsumer>
  served: ReadonlySet<string>
  readonly turns: Turns
}

const LOOK_EVERY_MS = 1_000

export const feedBuilds = async (deps: FeedDeps): Promise<Feeding> => {
  const consumers = new Map<string, PartitionConsumer>()
  const running: Running = {
    consumers,
    served: new Set(),
    turns: makeTurns(() => [...running.served].flatMap((build) => consumers.get(build)?.lanes() ?? [])),
  }
  const ended = new AbortController()
  await announce(deps)
  await follow(deps, running)
  const looking = lookAgain(deps, ended.signal, () => follow(deps, running))
  return {
    consumers: () => [...running.consumers.values()],
    stop: async () => {
      ended.abort()
      await looking
      await Promise.all([...running.consumers.values()].map((consumer) => consumer.stop()))
    },
  }
}

/** A projection that is new is served at once; a new version is built beside the one that is read. */
const announce = async ({ registry, projections, code, logger }: FeedDeps): Promise<void> => {
  for (const { name, version } of projections) {
    const { served, builds } = await registry.register(name, version)
    const servedVersion = builds.find((build) => build.name === served)?.version ?? served
    if (!code.version(name, servedVersion)) throw lacksVersion(name, servedVersion)
    if (builds.some((build) => build.version === version)) continue
    try {
      const build = await registry.start(name, version)
      logger.info({ projection: name, build: build.name }, 'a new version is being built')
    } catch (error) {
      logger.warn({ projection: name, version, error: messageOf(error) }, 'the new version is not built yet')
    }
  }
}

const lacksVersion = (name: string, version: string): ConfigError =>
  new ConfigError([
    `readers get ${name} ${version}, which this code does not have: keep a version until its builds are dropped`,
  ])

type Wanted = { readonly projection: AnyProjection; readonly build: string }

const wantedOf = (deps: FeedDeps, { projection: name, isPaused, builds }: Builds): Wanted[] =>
  isPaused
    ? []
    : builds.flatMap((build) => {
        const projection = codeOf(deps, name, build)
        return projection ? [{ projection, build: buildName(name, build.name) }] : []
      })

const codeOf = ({ code, logger }: FeedDeps, name: string, build: Build): AnyProjection | null => {
  const projection = code.version(name, build.version)
  if (!projection) logger.warn({ projection: name, build: build.name }, 'this code does not have its version')
  return projection
}

const follow = async (deps: FeedDeps, running: Running): Promise<void> => {
  const chosen = new Set(deps.projections.map(({ name }) => name))
  const known = (await deps.registry.all()).filter(({ projection }) => chosen.has(projection))
  running.served = new Set(known.map(({ projection, served }) => buildName(projection, served)))
  const wanted = new Map(known.flatMap((builds) => wantedOf(deps, builds)).map((one) => [one.build, one]))
  const { consumers } = running
  const unwanted = [...consumers].filter(([build]) => !wanted.has(build))
  await Promise.all(
    unwanted.map(async ([build, consumer]) => {
      await consumer.stop()
      consumers.delete(build)
    }),
  )
  const missing = [...wanted.values()].filter(({ build }) => !consumers.has(build))
  await Promise.all(missing.map((one) => startOne(deps, running, one)))
}

const startOne = async ({ run, onCrash }: FeedDeps, running: Running, wanted: Wanted): Promise<void> => {
  const { turns, consumers } = running
  // Once it has caught up it is as live as the served one: it can be compared only if it keeps up.
  const isLive = () =>
    running.served.has(wanted.build) || !isFarBehind(consumers.get(wanted.build)?.lanes() ?? [])
  const turn = async () => (isLive() ? () => undefined : turns.take())
  const consumer = await run({ ...wanted, turn })
  running.consumers.set(wanted.build, consumer)
  void consumer.crashed.then(onCrash)
}

const lookAgain = async (
  { logger, lookEveryMs = LOOK_EVERY_MS }: FeedDeps,
  signal: AbortSignal,
  look: () => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    await pause(lookEveryMs, signal)
    if (signal.aborted) return
    try {
      await look()
    } catch (error) {
      logger.warn({ error: messageOf(error) }, 'the list of builds could not be followed')
    }
  }
}
