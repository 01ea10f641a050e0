import { describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import { fetchEndOffsets, fetchStartOffsets, listExistingTopics, pingKafka } from '../src/admin.ts'
import { connectKafka } from '../src/connect-kafka.ts'
import { ensureTopics } from '../src/ensure-topics.ts'
import { connect, createTopic, fill, uniqueName } from './kafka-fixture.ts'

const connection = connect()
const spec = (name: string) => ({
  name,
  partitions: 3,
  replicationFactor: 1,
  config: [
    { name: 'retention.ms', value: '-1' },
    { name: 'message.timestamp.after.max.ms', value: '9223372036854775807' },
  ],
})

describe('topics', () => {
  it('are created where they are missing, and only there', async () => {
    const [first, second] = [uniqueName('a'), uniqueName('b')]
    expect(await ensureTopics(connection, [spec(first)])).toEqual({ created: [first], drifted: [] })
    expect(await ensureTopics(connection, [spec(first), spec(second)])).toEqual({
      created: [second],
      drifted: [],
    })
    expect(await listExistingTopics(connection)).toEqual(expect.arrayContaining([first, second]))
  })

  it('are refused by name and both counts when they have other partitions', async () => {
    const name = uniqueName('c')
    await ensureTopics(connection, [spec(name)])
    const wrong = ensureTopics(connection, [{ ...spec(name), partitions: 6 }])
    await expect(wrong).rejects.toMatchObject({
      code: 'KAFKA_PARTITION_COUNT',
      retryable: false,
      message: `${name} has 3 partitions instead of 6`,
    })
  })

  it('are left alone and reported when they have other settings', async () => {
    const name = uniqueName('d')
    await ensureTopics(connection, [spec(name)])
    const wanted = { ...spec(name), config: [{ name: 'retention.ms', value: '1000' }] }
    const expected = [{ topic: name, name: 'retention.ms', wanted: '1000', actual: '-1' }]
    expect((await ensureTopics(connection, [wanted])).drifted).toEqual(expected)
    expect((await ensureTopics(connection, [wanted])).drifted).toEqual(expected)
  })

  it('are created once when two processes create them at the same time', async () => {
    const name = uniqueName('e')
    const both = await Promise.all([
      ensureTopics(connection, [spec(name)]),
      ensureTopics(connection, [spec(name)]),
    ])
    expect(both.flatMap(({ created }) => created)).toEqual([name])
  })

  it('that cannot be are an error that nobody should repeat', async () => {
    const impossible = ensureTopics(connection, [{ ...spec(uniqueName('f')), replicationFactor: 9 }])
    await expect(impossible).rejects.toMatchObject({ code: 'KAFKA_INVALID_TOPIC', retryable: false })
  })

  it('have start and end offsets', async () => {
    const topic = await createTopic(connection, 2)
    await fill(connection, { topic, partition: 1, count: 5 })
    expect(await fetchEndOffsets(connection, topic)).toEqual(
      new Map([
        [0, 0n],
        [1, 5n],
      ]),
    )
    expect(await fetchStartOffsets(connection, topic)).toEqual(
      new Map([
        [0, 0n],
        [1, 0n],
      ]),
    )
  })
})

describe('a ping', () => {
  it('tells the cluster', async () => {
    expect(await pingKafka(connection)).toMatchObject({ brokers: expect.any(Number) })
  })

  it('fails soon, and retryably, where there is no Kafka', async () => {
    const nowhere = connectKafka({ brokers: ['127.0.0.1:1'], clientId: 'c', logger: silentLogger })
    const startedAt = performance.now()
    await expect(pingKafka(nowhere)).rejects.toMatchObject({ code: 'KAFKA_UNAVAILABLE', retryable: true })
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})
