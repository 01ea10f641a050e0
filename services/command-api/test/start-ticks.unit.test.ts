import { expect, it } from '@jest/globals'
import { makeInMemoryCodec, readRecord, topics, writerIdsOf } from '@millrace/events'
import type { OutgoingMessage } from '@millrace/kafka'
import { newId, silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { startTicks } from '../src/start-ticks.ts'

const TOPIC = topics['heartbeat.received']

const ticking = async (send: (partition: number, message: OutgoingMessage) => void) => {
  const codec = await makeInMemoryCodec()
  const ticks = startTicks({
    ...{ codec, newId, logger: silentLogger, everyMs: 1 },
    producerOf: (partition) => ({
      send: async ([message]) => {
        if (message) send(partition, message)
        return { baseOffset: 0n }
      },
    }),
  })
  return { codec, ticks }
}

it('every partition gets ticks, one after the other, until they are stopped', async () => {
  const sent = new Map<number, OutgoingMessage[]>()
  const { codec, ticks } = await ticking((partition, message) => {
    sent.set(partition, [...(sent.get(partition) ?? []), message])
  })
  const counts = () => Array.from({ length: TOPIC.partitions }, (_, index) => sent.get(index)?.length ?? 0)
  await eventually(counts, (all) => all.every((count) => count >= 3))
  ticks.stop()
  const atTheEnd = counts()
  const [message] = sent.get(2) ?? []
  if (!message?.value) throw new Error('no tick')
  await codec.ensureWriters(writerIdsOf(codec, [message.value]))
  const { key, headers, value } = message
  const read = readRecord(codec, { topic: TOPIC.name, offset: 7n, key, headers, value })
  expect(read).toMatchObject({ type: 'ClockTicked', key: '2', sequence: 7, data: { everyMs: 1 } })
  expect(counts()).toEqual(atTheEnd)
})

it('they go on after a failure', async () => {
  let calls = 0
  const { ticks } = await ticking(() => {
    calls += 1
    if (calls < 20) throw new Error('Kafka is away')
  })
  await eventually(
    () => calls,
    (count) => count > 25,
  )
  ticks.stop()
})
