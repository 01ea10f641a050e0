import { afterEach, describe, expect, it } from '@jest/globals'
import { kafkaOf } from '../src/connect-kafka.ts'
import type { ConsumerOptions } from '../src/partition-consumer.ts'
import { type Watched, connect, consume, createTopic, stopAll, uniqueName } from './kafka-fixture.ts'
import { RecordingSource } from './recording-source.ts'
import { until } from './until.ts'

const connection = connect()
const PARTITIONS = 12

afterEach(stopAll)

const makeGroup = (topic: string) => {
  const groupId = uniqueName('group')
  const join = (memberKey: string, options: Partial<ConsumerOptions> = {}): Promise<Watched> =>
    consume({ topic, groupId, source: new RecordingSource(), memberKey, ...options })
  return { groupId, join }
}

const lanesOf = ({ consumer }: Watched): string[] =>
  consumer
    .lanes()
    .filter(({ state }) => state.type === 'running')
    .map((lane) => `${lane.topic}/${lane.partition}`)
    .toSorted()

const share = async (members: readonly Watched[], each: number): Promise<string[][]> => {
  await until('all have their share', () => members.every((member) => lanesOf(member).length === each))
  return members.map(lanesOf)
}

describe('a group', () => {
  it('gives a member that comes back under its key what it had, and leaves the others theirs', async () => {
    const { join } = makeGroup(await createTopic(connection, PARTITIONS))
    const [a, b, c] = [await join('pod-a'), await join('pod-b'), await join('pod-c')]
    const before = await share([a, b, c], 4)
    expect(new Set(before.flat()).size).toBe(PARTITIONS)
    await b.consumer.stop()
    await share([a, c], 6)
    expect(await share([a, await join('pod-b'), c], 4)).toEqual(before)
  })

  it('works by round robin while a member of a former release is in it', async () => {
    const topic = await createTopic(connection, PARTITIONS)
    const { join, groupId } = makeGroup(topic)
    const members = [await join('pod-a'), await join('pod-b')]
    const before = await share(members, 6)

    const former = kafkaOf(connection).consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 300 })
    const protocols: string[] = []
    former.on(former.events.GROUP_JOIN, ({ payload }) => void protocols.push(payload.groupProtocol))
    await former.connect()
    await former.subscribe({ topic })
    await former.run({ eachMessage: async () => undefined })
    await share(members, 4)
    expect(protocols.at(-1)).toBe('RoundRobinAssigner')

    await former.disconnect()
    expect(await share(members, 6)).toEqual(before)
  })

  it('gives members only what they subscribe to, also what the leader does not', async () => {
    const [first, second] = [await createTopic(connection, 4), await createTopic(connection, 2)]
    const { join } = makeGroup(first)
    const leader = await join('pod-a')
    await share([leader], 4)
    const other = await join('pod-b', { topics: [second] })
    await until('the other has its topic', () => lanesOf(other).length === 2)
    expect(lanesOf(other)).toEqual([`${second}/0`, `${second}/1`])
    await until('the leader keeps its own', () => lanesOf(leader).length === 4)
  })
})

describe('a member that stops', () => {
  it('leaves the group at once: the others do not wait for its session to end', async () => {
    const { join } = makeGroup(await createTopic(connection, PARTITIONS))
    const timings = { sessionTimeoutMs: 120_000 }
    const [staying, leaving] = [await join('pod-a', { timings }), await join('pod-b', { timings })]
    await share([staying, leaving], 6)
    await leaving.consumer.stop()
    await share([staying], PARTITIONS)
  })
})
