/**
 * kafkajs's door to rendezvous-assignment.ts. Each member sends its key along when it joins; the one that Kafka has
 * made the leader reads them all and shares out the partitions.
 *
 * A group works by the first assigner that all its members offer. While members of a release that knows only
 * kafkajs's round robin are among them, or are put back, it works by that one; it is offered second for them.
 */
import type { GroupMember, PartitionAssigner } from 'kafkajs'
import { kafkajs } from './kafkajs-shim.ts'
import type { TopicPartition } from './lane-source.ts'
import { type AssignedMember, assignPartitions } from './rendezvous-assignment.ts'

const NAME = 'rendezvous'
/** Of the encoding, which is that of Kafka's own consumers, so that their tools can read it. */
const VERSION = 0
const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol

/** In the order in which a group should choose. */
export const makeAssigners = (memberKey: string): PartitionAssigner[] => [
  makeRendezvousAssigner(memberKey),
  kafkajs.PartitionAssigners.roundRobin,
]

export const makeRendezvousAssigner =
  (memberKey: string): PartitionAssigner =>
  ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.from(memberKey) }),
    }),
    async assign({ members, topics: topicsOfLeader }) {
      const readable = members.map((member) => readMember(member, topicsOfLeader))
      const topics = [...new Set(readable.flatMap((member) => member.topics))]
      // The leader has metadata of its own topics only.
      await cluster.addMultipleTargetTopics(topics)
      const partitionsOf = new Map(
        topics.map((topic) => [
          topic,
          cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId),
        ]),
      )
      return [...assignPartitions(readable, partitionsOf)].map(([memberId, partitions]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({
          version: VERSION,
          assignment: groupByTopic(partitions),
          userData: Buffer.alloc(0),
        }),
      }))
    },
  })

/** One that cannot be read is taken for a member without a key that reads what the leader reads. */
const readMember = ({ memberId, memberMetadata }: GroupMember, topicsOfLeader: string[]): AssignedMember => {
  const metadata = decodeMetadata(memberMetadata)
  return { id: memberId, key: metadata?.key || memberId, topics: metadata?.topics ?? topicsOfLeader }
}

const decodeMetadata = (bytes: Buffer): { topics: string[]; key: string } | null => {
  try {
    const metadata = MemberMetadata.decode(bytes)
    return metadata && { topics: metadata.topics, key: metadata.userData.toString() }
  } catch {
    return null
  }
}

const groupByTopic = (partitions: readonly TopicPartition[]): Record<string, number[]> =>
  Object.fromEntries(
    [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, group]) => [
      topic,
      group.map(({ partition }) => partition),
    ]),
  )
