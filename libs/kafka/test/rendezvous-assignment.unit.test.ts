import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { type AssignedMember, assignPartitions } from '../src/rendezvous-assignment.ts'

type Group = { readonly members: AssignedMember[]; readonly partitionsOf: Map<string, number[]> }

const TOPICS = ['orders', 'products', 'agents']
const anyTopics = fc.subarray(TOPICS, { minLength: 1 })
const anyCount = fc.integer({ min: 0, max: 20 })
const upTo = (count: number): number[] => Array.from({ length: count }, (_, partition) => partition)

const partitionsOf = (counts: readonly number[]): Map<string, number[]> =>
  new Map(TOPICS.map((topic, index) => [topic, upTo(counts[index] ?? 0)]))

/** Some keys are equal, as are those of processes on one machine. */
const anyGroup: fc.Arbitrary<Group> = fc
  .record({
    counts: fc.array(anyCount, { minLength: 3, maxLength: 3 }),
    members: fc.uniqueArray(
      fc.record({
        id: fc.string(),
        key: fc.constantFrom('pod-0', 'pod-1', 'pod-2', 'pod-3'),
        topics: anyTopics,
      }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ counts, members }) => ({ members, partitionsOf: partitionsOf(counts) }))

/** A group whose keys are all different and whose members read the same. */
const groupOf = (keys: readonly string[], partitions: number): Group => ({
  members: keys.map((key) => ({ id: `id of ${key}`, key, topics: ['orders'] })),
  partitionsOf: new Map([['orders', upTo(partitions)]]),
})

const assign = ({ members, partitionsOf }: Group) => assignPartitions(members, partitionsOf)

const ownersByPartition = (group: Group): Map<string, string[]> => {
  const keys = new Map(group.members.map(({ id, key }) => [id, key]))
  const pairs = [...assign(group)].flatMap(([id, partitions]) =>
    partitions.map(({ topic, partition }) => ({ at: `${topic}/${partition}`, key: keys.get(id) ?? '' })),
  )
  return new Map(
    [...Map.groupBy(pairs, ({ at }) => at)].map(([at, owners]) => [at, owners.map(({ key }) => key)]),
  )
}

const differences = (a: ReadonlyMap<string, string[]>, b: ReadonlyMap<string, string[]>): number =>
  [...a].filter(([at, owners]) => owners.join() !== b.get(at)?.join()).length

describe('the assignment', () => {
  it('gives every partition that has subscribers to exactly one of them', () => {
    fc.assert(
      fc.property(anyGroup, (group) => {
        const given = [...assign(group)].flatMap(([id, partitions]) =>
          partitions.map((at) => ({ ...at, id })),
        )
        const topicsOf = new Map(group.members.map(({ id, topics }) => [id, topics]))
        for (const { id, topic } of given) expect(topicsOf.get(id)).toContain(topic)
        const expected = [...group.partitionsOf].flatMap(([topic, partitions]) =>
          group.members.some(({ topics }) => topics.includes(topic))
            ? partitions.map((partition) => `${topic}/${partition}`)
            : [],
        )
        const names = given.map(({ topic, partition }) => `${topic}/${partition}`)
        expect(names.toSorted()).toEqual(expected.toSorted())
      }),
    )
  })

  it('names every member, also those that have nothing to do', () => {
    const assignment = assign(groupOf(['a', 'b', 'c'], 2))
    expect([...assignment.values()].map(({ length }) => length).toSorted()).toEqual([0, 1, 1])
  })

  it('loads members that read the same within one partition of each other', () => {
    fc.assert(
      fc.property(anyGroup, ({ members, partitionsOf }) => {
        const alike = members.map((member) => ({ ...member, topics: TOPICS }))
        const loads = [...assign({ members: alike, partitionsOf }).values()].map(({ length }) => length)
        expect(Math.max(...loads) - Math.min(...loads)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('shares out topics with other subscribers by themselves, each within the bound', () => {
    const members = ['a', 'b', 'c'].map((key) => ({
      id: key,
      key,
      topics: key === 'c' ? ['orders', 'products'] : ['orders'],
    }))
    const assignment = assign({ members, partitionsOf: partitionsOf([7, 5, 0]) })
    const load = (id: string, topic: string): number =>
      assignment.get(id)?.filter((at) => at.topic === topic).length ?? 0
    expect(load('c', 'products')).toBe(5)
    expect(['a', 'b', 'c'].map((id) => load(id, 'orders')).toSorted()).toEqual([2, 2, 3])
  })

  it('is the same whatever the order of members and partitions', () => {
    const shuffled = anyGroup.chain((group) =>
      fc.record({
        group: fc.constant(group),
        members: fc.shuffledSubarray(group.members, { minLength: group.members.length }),
        topics: fc.shuffledSubarray([...group.partitionsOf], { minLength: TOPICS.length }),
      }),
    )
    fc.assert(
      fc.property(shuffled, ({ group, members, topics }) => {
        const reversed = topics.map(([topic, partitions]): [string, number[]] => [
          topic,
          partitions.toReversed(),
        ])
        const other = assign({ members, partitionsOf: new Map(reversed) })
        expect(new Map(other)).toEqual(new Map(assign(group)))
      }),
    )
  })

  it('moves nothing when a member comes back under its key', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 1, max: 40 }),
        fc.string({ minLength: 20, maxLength: 20 }),
        (keys, partitions, newId) => {
          const before = groupOf(keys, partitions)
          const members = before.members.map((member, index) =>
            index === 0 ? { ...member, id: newId } : member,
          )
          expect(ownersByPartition({ ...before, members })).toEqual(ownersByPartition(before))
        },
      ),
    )
  })

  it('gives equal keys the same load as others', () => {
    const members = upTo(4).map((n) => ({ id: `id-${n}`, key: 'laptop', topics: ['orders'] }))
    const assignment = assign({ members, partitionsOf: partitionsOf([8, 0, 0]) })
    expect([...assignment.values()].map(({ length }) => length)).toEqual([2, 2, 2, 2])
  })
})

// What must move when one of M members leaves is what it had, P/M; and as much when it comes.
describe.each([
  { members: 2, partitions: 6, mostTimesWhatMust: 1 },
  { members: 3, partitions: 6, mostTimesWhatMust: 1.25 },
  { members: 4, partitions: 12, mostTimesWhatMust: 1.35 },
  { members: 4, partitions: 96, mostTimesWhatMust: 1.15 },
  { members: 9, partitions: 96, mostTimesWhatMust: 1.5 },
])('of $partitions partitions of $members members', ({ members, partitions, mostTimesWhatMust }) => {
  const GROUPS = 60
  const groups = upTo(GROUPS).map((group) => upTo(members).map((member) => `group-${group}-pod-${member}`))

  it('little more moves on a change than what the one that goes has, or the one that comes gets', () => {
    const moves = groups.map((keys) =>
      differences(
        ownersByPartition(groupOf(keys, partitions)),
        ownersByPartition(groupOf(keys.slice(1), partitions)),
      ),
    )
    const mean = moves.reduce((sum, moved) => sum + moved, 0) / GROUPS
    expect(mean).toBeGreaterThanOrEqual(Math.floor(partitions / members))
    expect(mean).toBeLessThanOrEqual((mostTimesWhatMust * partitions) / members)
  })

  it('of what the others have a change moves at most two partitions per member', () => {
    for (const keys of groups) {
      const before = ownersByPartition(groupOf(keys, partitions))
      const after = ownersByPartition(groupOf(keys.slice(1), partitions))
      const had = [...before].filter(([, owners]) => owners.join() === keys[0]).length
      expect(differences(before, after) - had).toBeLessThanOrEqual(2 * members)
    }
  })
})
