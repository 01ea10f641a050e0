/**
 * A consumer group member whose fetch loop never waits for the work.
 *
 * kafkajs fetches, waits until every partition's batch is handled, and only then sends heartbeats, notices a
 * rebalance or fetches again. So its batch handler only queues; lanes (lane-state.ts) do the work, each partition by
 * itself, and pause their partition when enough is queued. The fetch loop goes on turning, whatever the lanes do.
 *
 * Every GROUP_JOIN begins a generation: the lanes of the one before are closed, and the new ones start paused until
 * their source has claimed the partition and said where to read on. Between REBALANCING and GROUP_JOIN there are no
 * lanes, and batches that still arrive are dropped: they come again, since lanes always seek.
 */
import type { Consumer, ConsumerGroupJoinEvent, EachBatchPayload } from 'kafkajs'
import { messageOf, type Logger } from '@millrace/runtime'
import { fetchEndOffsetsOf } from './admin.ts'
import { AssignedLanes } from './assigned-lanes.ts'
import { type KafkaConnection, budgetOf } from './connect-kafka.ts'
import type { ConsumerEvent } from './consumer-event.ts'
import { type ConsumerInput, type ConsumerState, stepConsumer } from './consumer-state.ts'
import { type ConsumerTimings, defaultConsumerTimings } from './consumer-timings.ts'
import { isGroupLoading, toPlatformError } from './kafka-error.ts'
import { makeKafkajsConsumer } from './kafkajs-consumer.ts'
import { type LaneLimits, defaultLaneLimits } from './lane-limits.ts'
import type { LaneSource, TopicPartition } from './lane-source.ts'
import type { LaneStatus } from './lane.ts'
import { OffsetCommits } from './offset-commits.ts'
import { readChunk } from './read-chunk.ts'
import { settleWithin } from './settle-within.ts'
import { sharedBatches } from './shared-batches.ts'

export type ConsumerOptions = {
  readonly connection: KafkaConnection
  readonly groupId: string
  readonly topics: readonly string[]
  readonly source: LaneSource
  readonly logger: Logger
  readonly limits?: Partial<LaneLimits>
  readonly timings?: Partial<ConsumerTimings>
  readonly onEvent?: (event: ConsumerEvent) => void
  /**
   * Who this member is to the group's assigner: one that comes back under the same key gets back its partitions. The
   * host's name unless given: that of a pod, which a StatefulSet keeps. Members may have equal keys.
   */
  readonly memberKey?: string
}

export type PartitionConsumer = {
  state(): ConsumerState
  /** Of the present assignment; none while there is none. */
  lanes(): LaneStatus[]
  /**
   * When every lane that is not stopped had last moved on, or was at the end of its partition; while there is no
   * assignment, when the last one ended. A process whose value grows old is not doing its work.
   */
  lastProgressAtMs(): number
  /** Finishes what lanes have in hand, commits, leaves the group. Never rejects. */
  stop(): Promise<void>
  /** Resolves when kafkajs has given up for good; the process should then end. Never rejects. */
  readonly crashed: Promise<Error>
}

const CONCURRENT_PARTITIONS = 8
const IN_HAND_GRACE_MS = 15_000
const LEAVE_GRACE_MS = 10_000
const HEARTBEAT_REQUEST = 'Heartbeat'

const partitionsOf = (assignment: ConsumerGroupJoinEvent['payload']['memberAssignment']): TopicPartition[] =>
  Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )

class GroupMember implements PartitionConsumer {
  readonly crashed: Promise<Error>
  readonly #options: ConsumerOptions
  readonly #timings: ConsumerTimings
  readonly #consumer: Consumer
  readonly #lanes: AssignedLanes
  readonly #commits: OffsetCommits
  readonly #giveUp: (error: Error) => void
  #state: ConsumerState = { type: 'starting', sinceMs: Date.now() }
  #generation = 0
  #heartbeatSentAtMs = 0
  #endOffsetsTimer: NodeJS.Timeout | undefined
  #stopping: Promise<void> | null = null

  constructor(options: ConsumerOptions) {
    const { source, logger } = options
    const limits = { ...defaultLaneLimits, ...options.limits }
    const crashed = Promise.withResolvers<Error>()
    this.crashed = crashed.promise
    this.#giveUp = crashed.resolve
    this.#options = options
    this.#timings = { ...defaultConsumerTimings, ...options.timings }
    this.#consumer = makeKafkajsConsumer(options, {
      timings: this.#timings,
      mayRestart: () => this.#stopping === null,
    })
    const onEvent = this.#tell
    this.#commits = new OffsetCommits({ everyMs: limits.commitEveryMs, logger, onEvent })
    this.#lanes = new AssignedLanes({
      source,
      limits,
      budget: budgetOf(options.connection),
      logger,
      onEvent,
      fetchLoop: this.#guardedFetchLoop(),
      onDone: (partition, offset) => this.#commits.note({ ...partition, offset }),
    })
  }

  state = (): ConsumerState => this.#state
  lanes = (): LaneStatus[] => this.#lanes.all().map((lane) => lane.status())

  lastProgressAtMs(): number {
    if (this.#state.type !== 'running') return this.#state.sinceMs
    const moving = this.lanes().filter(({ state }) => state.type !== 'stopped')
    return Math.min(Date.now(), ...moving.map((lane) => lane.lastProgressAtMs))
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#leave()
    return this.#stopping
  }

  async start(): Promise<void> {
    const { topics, groupId } = this.#options
    this.#listen()
    sharedBatches.enter()
    try {
      await this.#consumer.connect()
      await this.#consumer.subscribe({ topics: [...topics], fromBeginning: true })
      await this.#consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: true,
        partitionsConsumedConcurrently: CONCURRENT_PARTITIONS,
        eachBatch: this.#onBatch,
      })
    } catch (error) {
      await this.stop()
      throw toPlatformError(error, `start consumer ${groupId}`)
    }
  }

  #listen(): void {
    const { events } = this.#consumer
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => this.#onJoin(payload.memberAssignment))
    this.#consumer.on(events.REBALANCING, () => this.#onRebalancing())
    this.#consumer.on(events.CRASH, ({ payload }) => this.#onCrash(payload.error, payload.restart))
    // The request is reported when it is answered, just before the heartbeat that it was counts as accepted.
    this.#consumer.on(events.REQUEST, ({ payload }) => {
      if (payload.apiName === HEARTBEAT_REQUEST) this.#heartbeatSentAtMs = payload.sentAt
    })
    this.#consumer.on(events.HEARTBEAT, () => this.#onHeartbeat())
    // Batches without visible records are told here only.
    this.#consumer.on(events.START_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return
      this.#lanes.find(payload.topic, payload.partition)?.skipInvisible(BigInt(payload.lastOffset) + 1n)
    })
  }

  #onBatch = (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload
    const lane = this.#lanes.find(batch.topic, batch.partition)
    if (!lane) return Promise.resolve()
    this.#commits.useHandle((offsets) => payload.commitOffsetsIfNecessary(offsets))
    lane.enqueue(readChunk(batch))
    return Promise.resolve()
  }

  #onJoin(assignment: Record<string, number[]>): void {
    const partitions = partitionsOf(assignment)
    this.#generation += 1
    this.#commits.newGeneration()
    this.#step({ type: 'joined', generation: this.#generation })
    if (this.#state.type !== 'running') return
    this.#lanes.assign(partitions)
    this.#tell({ type: 'joined', generation: this.#generation, partitions })
    void this.#refreshEndOffsets()
  }

  #onRebalancing(): void {
    this.#step({ type: 'rebalancing' })
    if (this.#state.type !== 'rebalancing') return
    this.#loseLanes()
    this.#tell({ type: 'rebalancing' })
  }

  #onCrash(error: Error, willRestart: boolean): void {
    const { logger, groupId } = this.#options
    this.#step({ type: 'crashed', error: messageOf(error), willRestart })
    if (this.#stopping) return
    this.#loseLanes()
    // Each first start of a new Kafka has that: its groups are being made.
    const level = isGroupLoading(error) ? 'info' : 'warn'
    if (willRestart) logger[level]({ groupId, error: messageOf(error) }, 'consumer starts over')
    else logger.error({ groupId, err: error }, 'consumer crashed')
    this.#tell({ type: 'crashed', error, willRestart })
    if (!willRestart) this.#giveUp(error)
  }

  #onHeartbeat(): void {
    const sentAtMs = this.#heartbeatSentAtMs
    for (const lane of this.#lanes.all()) lane.hearHeartbeat(sentAtMs)
    this.#tell({ type: 'heartbeat', sentAtMs })
  }

  #loseLanes(): void {
    this.#commits.newGeneration()
    this.#lanes.close()
  }

  async #leave(): Promise<void> {
    const { logger, groupId } = this.#options
    clearTimeout(this.#endOffsetsTimer)
    this.#step({ type: 'stop' })
    if (!(await settleWithin(this.#lanes.drain(), IN_HAND_GRACE_MS)))
      logger.warn({ groupId }, 'a batch in hand was not finished in time')
    await this.#commits.flush()
    this.#loseLanes()
    sharedBatches.leave()
    if (!(await settleWithin(this.#consumer.disconnect(), LEAVE_GRACE_MS)))
      logger.warn({ groupId }, 'the group was not left in time')
    this.#step({ type: 'stopped' })
  }

  // The end offsets come from another connection than the fetch loop, whose death they must be able to show.
  async #refreshEndOffsets(): Promise<void> {
    clearTimeout(this.#endOffsetsTimer)
    const { connection, topics, logger } = this.#options
    try {
      const ends = await fetchEndOffsetsOf(connection, topics)
      for (const lane of this.#lanes.all()) {
        const end = ends.get(lane.topic)?.get(lane.partition)
        if (end !== undefined) lane.hearEndOffset(end)
      }
    } catch (error) {
      logger.debug({ error: messageOf(error) }, 'end offsets could not be read')
    }
    if (this.#stopping || this.#state.type === 'crashed') return
    clearTimeout(this.#endOffsetsTimer)
    this.#endOffsetsTimer = setTimeout(() => void this.#refreshEndOffsets(), this.#timings.endOffsetsEveryMs)
  }

  #step(input: ConsumerInput): void {
    this.#state = stepConsumer(this.#state, input, Date.now())
  }

  // Called inside kafkajs's own steps, which an exception of ours would break.
  #tell = (event: ConsumerEvent): void => {
    try {
      this.#options.onEvent?.(event)
    } catch (error) {
      this.#options.logger.error({ err: error, event: event.type }, 'listener failed')
    }
  }

  // While kafkajs starts over it has no group and refuses these; the lanes that ask are about to be closed.
  #guardedFetchLoop() {
    const attempt = (act: () => void): void => {
      try {
        act()
      } catch (error) {
        this.#options.logger.debug({ error: messageOf(error) }, 'fetch loop is not there')
      }
    }
    const consumer = this.#consumer
    return {
      pause: (partitions: Parameters<Consumer['pause']>[0]) => attempt(() => consumer.pause(partitions)),
      resume: (partitions: Parameters<Consumer['resume']>[0]) => attempt(() => consumer.resume(partitions)),
      seek: (position: Parameters<Consumer['seek']>[0]) => attempt(() => consumer.seek(position)),
    }
  }
}

/** Joins the group and starts to consume. Rejects when Kafka cannot be reached or a topic does not exist. */
export const startConsumer = async (options: ConsumerOptions): Promise<PartitionConsumer> => {
  const member = new GroupMember(options)
  await member.start()
  return member
}
