import { describe, expect, it } from '@jest/globals'
import type { Assignment, Cluster, GroupMember } from 'kafkajs'
import { kafkajs } from '../src/kafkajs-shim.ts'
import { makeAssigners, makeRendezvousAssigner } from '../src/rendezvous-assigner.ts'

const PARTITIONS: Record<string, number> = { orders: 6, products: 2 }

/** What an assigner asks of the leader's cluster: it knows the topics that it was told of. */
const makeCluster = () => {
  const known = new Set(['orders'])
  const cluster = {
    addMultipleTargetTopics: async (topics: string[]) => topics.forEach((topic) => known.add(topic)),
    findTopicPartitionMetadata: (topic: string) =>
      Array.from({ length: known.has(topic) ? (PARTITIONS[topic] ?? 0) : 0 }, (_, partitionId) => ({
        partitionId,
      })),
  }
  return cluster as unknown as Cluster
}

const makeAssigner = (memberKey: string) =>
  makeRendezvousAssigner(memberKey)({ cluster: makeCluster() } as Parameters<
    ReturnType<typeof makeRendezvousAssigner>
  >[0])

const member = (memberId: string, key: string, topics = ['orders']): GroupMember => ({
  memberId,
  memberMetadata: makeAssigner(key).protocol({ topics }).metadata,
})

const assign = async (members: GroupMember[]): Promise<Record<string, Assignment | undefined>> => {
  const answers = await makeAssigner('leader').assign({ members, topics: ['orders'] })
  return Object.fromEntries(
    answers.map(({ memberId, memberAssignment }) => [
      memberId,
      kafkajs.AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment,
    ]),
  )
}

describe('the assigner', () => {
  it('goes by the keys that members send, whatever their ids', async () => {
    const before = await assign([member('1', 'pod-a'), member('2', 'pod-b')])
    const after = await assign([member('8', 'pod-b'), member('9', 'pod-a')])
    expect([after['9'], after['8']]).toEqual([before['1'], before['2']])
    expect(before['1']?.['orders']).toHaveLength(3)
  })

  it('finds the partitions of topics that the leader does not read', async () => {
    expect(await assign([member('1', 'pod-a'), member('2', 'pod-b', ['products'])])).toEqual({
      1: { orders: [0, 1, 2, 3, 4, 5] },
      2: { products: [0, 1] },
    })
  })

  it.each([
    ['empty', Buffer.alloc(0)],
    ['cut off', Buffer.from('00000000000100', 'hex')],
    [
      'without a key',
      kafkajs.AssignerProtocol.MemberMetadata.encode({
        version: 0,
        topics: ['orders'],
        userData: Buffer.alloc(0),
      }),
    ],
  ])('gives a member whose metadata is %s its share, by its member id', async (_, memberMetadata) => {
    const expected = await assign([member('1', 'pod-a'), member('x', 'x')])
    expect(await assign([member('1', 'pod-a'), { memberId: 'x', memberMetadata }])).toEqual(expected)
    expect(expected['x']?.['orders']).toHaveLength(3)
  })

  it('is offered before the one of former releases', () => {
    const names = makeAssigners('pod-a').map(
      (make) => make({ cluster: makeCluster() } as Parameters<typeof make>[0]).name,
    )
    expect(names).toEqual(['rendezvous', 'RoundRobinAssigner'])
  })
})
