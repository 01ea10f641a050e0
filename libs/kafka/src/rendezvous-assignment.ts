/**
 * Who reads which partition: rendezvous hashing (highest random weight) under a bound.
 *
 * Every pair of a member and a partition has a weight, a hash of both. The pairs are gone through from the heaviest
 * down; a pair counts when its partition is still free and its member has room. With P partitions and M members there
 * is room for floor(P/M) each, and for one more at the first P mod M members that come to need it. So no two members
 * differ by more than one partition, and since the room is P in all, every partition finds an owner.
 *
 * Nothing is remembered: the same members get the same partitions, whatever the order in which they are told and
 * whoever computes it, and a member that comes back under its key gets back what it had. When the members change,
 * most pairs keep their place in the order, so that little moves beyond what must (figures in docs/adr/0014).
 */
import { hash } from 'node:crypto'
import type { TopicPartition } from './lane-source.ts'

export type AssignedMember = {
  /** Of this membership; no two are equal. */
  readonly id: string
  /** Outlives the membership. Members with equal keys are told apart by their ids. */
  readonly key: string
  readonly topics: readonly string[]
}

type Pair = { readonly member: AssignedMember; readonly partition: TopicPartition; readonly weight: string }

/**
 * Partitions by member id, in order. Topics with the same subscribers are shared out together, so within these nobody
 * has more than ceil(P/M) partitions, nor less than floor(P/M). What nobody subscribes to is left out.
 */
export const assignPartitions = (
  members: readonly AssignedMember[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Map<string, TopicPartition[]> => {
  const subscribersOf = (topic: string) => members.filter(({ topics }) => topics.includes(topic))
  const topicSets = Map.groupBy([...partitionsOf.keys()].toSorted(), (topic) =>
    JSON.stringify(subscribersOf(topic).map(({ id }) => id)),
  )
  const assignment = new Map(members.map(({ id }): [string, TopicPartition[]] => [id, []]))
  for (const topics of topicSets.values()) {
    const partitions = topics.flatMap((topic) => toPartitions(topic, partitionsOf.get(topic)))
    const owners = shareOut(subscribersOf(topics[0] ?? ''), partitions)
    for (const partition of partitions) {
      const owner = owners.get(partition)
      if (owner !== undefined) assignment.get(owner)?.push(partition)
    }
  }
  return assignment
}

const toPartitions = (topic: string, numbers: readonly number[] = []): TopicPartition[] =>
  numbers.toSorted((a, b) => a - b).map((partition) => ({ topic, partition }))

const shareOut = (
  members: readonly AssignedMember[],
  partitions: readonly TopicPartition[],
): Map<TopicPartition, string> => {
  const owners = new Map<TopicPartition, string>()
  const loads = new Map<string, number>()
  const least = Math.floor(partitions.length / members.length)
  let withOneMore = partitions.length % members.length
  for (const { member, partition } of pairsFromHeaviest(members, partitions)) {
    const load = loads.get(member.id) ?? 0
    if (owners.has(partition) || load > least || (load === least && withOneMore === 0)) continue
    if (load === least) withOneMore -= 1
    owners.set(partition, member.id)
    loads.set(member.id, load + 1)
  }
  return owners
}

const pairsFromHeaviest = (
  members: readonly AssignedMember[],
  partitions: readonly TopicPartition[],
): Pair[] =>
  partitions
    .flatMap((partition) =>
      members.map((member) => ({ member, partition, weight: weightOf(member.key, partition) })),
    )
    .toSorted((a, b) => compare(b.weight, a.weight) || compare(tieBreakOf(b), tieBreakOf(a)))

/** Written with a fixed length, so that texts compare as the numbers do. */
const weightOf = (name: string, { topic, partition }: TopicPartition): string =>
  hash('sha256', `${topic}/${partition}/${name}`)

/** Equal weights are those of equal keys on one partition: a rendezvous of their ids, as if they had no key. */
const tieBreakOf = ({ member, partition }: Pair): string => weightOf(member.id, partition)

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b))
