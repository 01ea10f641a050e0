// A publication is four steps: insert the record {n, first sequence, commit ids}, produce its events in one send,
// mark its commits, mark the record done. The record's n is unique, so of two relays that both believe to hold the
// lease only one gets a number; the other reads everything anew. Whoever takes over finds the open records and
// produces them again as they are, in order: what Kafka then has twice carries equal sequences, and consumers drop
// the second. A topic that had to be created again (a higher incarnation) makes all records unfinished, oldest first.
//
// Marking costs the database more than all the rest, so it runs while the next record is opened and produced: at most
// two records are open at a time, and they are finished in order.

import type { PlannedCommit, Publication, Publications, ShardId } from '@millrace/mongo'
import { PlatformError } from '@millrace/runtime'
import type { OutgoingMessage, PartitionProducer } from '@millrace/kafka'
import { toMessages } from './to-messages.ts'

/** What a shard publishes with while it holds its lease. */
export type Press = {
  readonly shard: ShardId
  readonly publications: Publications
  readonly producer: PartitionProducer
  /** Of the topic. */
  readonly incarnation: number
  readonly reportEmptied: (topic: string, incarnation: number) => Promise<void>
  readonly onPublished: (shard: ShardId, events: number) => void
}

const PLAN_LIMITS = { maxEvents: 1_000, maxBytes: 900 * 1024 }

const eventsOf = (record: Publication): number => record.eventCounts.reduce((sum, count) => sum + count, 0)

/** Kafka put a batch before the one it had: it was emptied, or has lost its end, and nobody has told the store. */
const hasGoneBack = (press: Press, before: Publication | undefined, baseOffset: bigint): boolean =>
  before?.incarnation === press.incarnation && Number(baseOffset) <= (before.baseOffset ?? -1)

const wentBack = ({ topic, partition }: ShardId, found: bigint): PlatformError => {
  const message = `${topic}/${partition} has lost records: offset ${found} was given again; run \`millrace setup\``
  return new PlatformError({ code: 'KAFKA_OFFSET_WENT_BACK', message, retryable: false })
}

/** The producer has sent before and found the same: of its sends into an emptied topic, the next may look right. */
const foundByProducer = (error: unknown): boolean =>
  error instanceof PlatformError && ['KAFKA_OFFSET_WENT_BACK', 'KAFKA_SEND_SWALLOWED'].includes(error.code)

const send = async (
  { producer, shard, incarnation, reportEmptied }: Press,
  messages: readonly OutgoingMessage[],
): Promise<bigint> => {
  try {
    return (await producer.send(messages)).baseOffset
  } catch (error) {
    if (foundByProducer(error)) await reportEmptied(shard.topic, incarnation)
    throw error
  }
}

type Produced = Publication & { readonly baseOffset: number }

/** `before` is the record of the number before. */
const produce = async (
  press: Press,
  record: Publication,
  { commits, before }: { commits: readonly PlannedCommit[]; before: Publication | undefined },
): Promise<Produced> => {
  const messages = toMessages(commits, record.firstSequence)
  if (messages.length !== eventsOf(record)) {
    const message = `publication ${record._id.n} names ${eventsOf(record)} events, the store has ${messages.length}`
    throw new PlatformError({ code: 'STORE_DAMAGED', message, retryable: false })
  }
  const baseOffset = await send(press, messages)
  // Before the record is done: whoever comes next has to see it open, and the verdict with it.
  if (hasGoneBack(press, before, baseOffset)) {
    await press.reportEmptied(press.shard.topic, press.incarnation)
    throw wentBack(press.shard, baseOffset)
  }
  return { ...record, state: 'done', incarnation: press.incarnation, baseOffset: Number(baseOffset) }
}

const finish = async (press: Press, record: Produced): Promise<void> => {
  const { baseOffset, incarnation } = record
  await press.publications.finish(record, { baseOffset: BigInt(baseOffset), incarnation })
  press.onPublished(press.shard, eventsOf(record))
}

/** Produced into the topic as it is now, its commits marked. */
export const isFinished = (record: Publication, incarnation: number): boolean =>
  record.state === 'done' && record.incarnation >= incarnation

/** Produces the oldest unfinished record behind `done` again; undefined when there is none. */
export const repeatUnfinished = async (
  press: Press,
  done: Publication | undefined,
): Promise<Publication | undefined> => {
  const { shard, publications, incarnation } = press
  const record = await publications.firstUnfinished(shard, incarnation, done?._id.n)
  if (!record) return undefined
  const { n } = record._id
  const before = done?._id.n === n - 1 ? done : await publications.withNumber(shard, n - 1)
  const produced = await produce(press, record, { commits: await publications.commitsOf(record), before })
  await finish(press, produced)
  return produced
}

const following = (
  press: Press,
  last: Publication | undefined,
  commits: readonly PlannedCommit[],
): Publication => ({
  _id: { ...press.shard, n: (last?._id.n ?? 0) + 1 },
  firstSequence: last ? last.firstSequence + eventsOf(last) : 1,
  commitIds: commits.map((commit) => commit._id),
  eventCounts: commits.map((commit) => commit.events.length),
  state: 'open',
  incarnation: press.incarnation,
})

export type Swept = {
  /** The newest record now. */
  readonly last: Publication | undefined
  /** Another relay took our number: nothing here is ours any more. */
  readonly isBeaten: boolean
  /** As much as one sweep may take: there may be more. */
  readonly isCut: boolean
}

/** Publishes what waits, behind `last`, as long as `goesOn`. */
export const publishWaiting = async (
  press: Press,
  last: Publication | undefined,
  goesOn: () => Promise<boolean>,
): Promise<Swept> => {
  const { shard, publications } = press
  let swept = { last, isBeaten: false }
  let finishing: Promise<void> = Promise.resolve()
  const publish = async (commits: readonly PlannedCommit[]): Promise<boolean> => {
    if (!(await goesOn())) return false
    const before = swept.last
    const record = following(press, before, commits)
    if (!(await publications.open(record))) {
      swept = { last: before, isBeaten: true }
      return false
    }
    const produced = await produce(press, record, { commits, before })
    await finishing
    finishing = finish(press, produced)
    // Whoever waits for it next hears of it.
    finishing.catch(() => undefined)
    swept = { last: produced, isBeaten: false }
    return true
  }
  try {
    const isCut = await publications.sweep(shard, PLAN_LIMITS, publish)
    return { ...swept, isCut }
  } finally {
    await finishing
  }
}
