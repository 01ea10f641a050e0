import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { processes } from '@millrace/domain'
import {
  makeInMemoryCodec,
  tombstonesTrustedMs,
  toHeaders,
  type Codec,
  type ProcessState,
} from '@millrace/events'
import type { KafkaRecord } from '@millrace/kafka'
import type { ProjectionStore } from '@millrace/mongo'
import { openLaneRig, type LaneRig } from './lane-fixture.ts'

const TOPIC = 'process.state'
const LONG_AGO = Date.now() - tombstonesTrustedMs - 60_000
const keyOf = (pid: number): string => `demo/m-1:node:${pid}`

let codec: Codec
let rig: LaneRig
let offset: bigint
beforeAll(async () => {
  codec = await makeInMemoryCodec()
})
beforeEach(async () => {
  await rig?.drop()
  rig = await openLaneRig(codec)
  offset = 0n
})
afterAll(() => rig.drop())

const recordOf = (pid: number, atMs: number): KafkaRecord => {
  const id = randomUUID()
  const data: ProcessState = {
    ...{ host: 'm-1', name: 'node', pid, startedAt: 0, status: 'alive', lastSeenAt: atMs },
    ...{ beat: 1, cpu: 0, rss: 0 },
  }
  return {
    ...{ topic: TOPIC, partition: 0, offset: offset++, timestamp: atMs },
    key: Buffer.from(keyOf(pid)),
    value: codec.encode(TOPIC, { type: 'ProcessState', data }),
    headers: toHeaders({
      ...{ id, type: 'ProcessState', tenant: 'demo', stream: `processes.process-m-1:node:${pid}` },
      ...{ version: 0, occurredAt: atMs, correlationId: id, causationId: id, actor: 'test' },
      ...{ sequence: null, traceparent: null },
    }),
  }
}

const appliedUntil = async (pids: readonly number[], atMs: number): Promise<void> => {
  const lane = await rig.open(processes, { topic: TOPIC })
  await lane.drain(pids.map((pid) => recordOf(pid, atMs)))
  await lane.close()
}

const documents = async (): Promise<string[]> => Object.keys(await rig.documents(processes)).toSorted()

/** Comes back when the partition has something new, and values of these keys. */
const comeBack = (pids: readonly number[] | null) =>
  rig.open(processes, { topic: TOPIC, knownKeysOf: async () => pids && new Set(pids.map(keyOf)) })

describe('a lane of a compacted topic', () => {
  it('that was away for longer than tombstones are kept deletes what the topic does not know any more', async () => {
    await appliedUntil([1, 2, 3], LONG_AGO)
    const lane = await comeBack([2])
    expect(await documents()).toEqual([keyOf(2)])
    await lane.drain([recordOf(4, Date.now())])
    expect(await documents()).toEqual([keyOf(2), keyOf(4)])
  })

  it('deletes more of them than go into one transaction', async () => {
    await appliedUntil(
      Array.from({ length: 2_100 }, (_, pid) => pid),
      LONG_AGO,
    )
    await comeBack([7, 2_099])
    expect(await documents()).toEqual([keyOf(2_099), keyOf(7)])
  })

  it('that was away for less has missed nothing', async () => {
    await appliedUntil([1], Date.now() - tombstonesTrustedMs / 2)
    await comeBack([])
    expect(await documents()).toEqual([keyOf(1)])
  })

  it('that is at the end has missed nothing, however long ago that was', async () => {
    await appliedUntil([1], LONG_AGO)
    await comeBack(null)
    expect(await documents()).toEqual([keyOf(1)])
  })

  it('deletes nothing once another one has claimed the partition', async () => {
    await appliedUntil([1], LONG_AGO)
    const claimed = rig.open(processes, {
      topic: TOPIC,
      knownKeysOf: async () => {
        await rig.open(processes, { topic: TOPIC })
        return new Set()
      },
    })
    await (await claimed).close()
    expect(await documents()).toEqual([keyOf(1)])
  })

  it('that could not go on for so long claims again, and compares', async () => {
    await appliedUntil([1], LONG_AGO)
    let isDown = true
    const store: ProjectionStore = {
      ...rig.store,
      commit: async (...given) => {
        if (isDown) throw new Error('the database is down')
        return rig.store.commit(...given)
      },
    }
    const lane = await rig.open(processes, { topic: TOPIC, store, knownKeysOf: async () => null })
    const late = [recordOf(2, Date.now())]
    await expect(lane.apply(late)).rejects.toThrow('down')
    isDown = false
    expect(await lane.apply(late)).toEqual({ type: 'fenced' })
  })

  it('begins with the first record of a topic that was created anew under it', async () => {
    let incarnation = 1
    const open = () => rig.open(processes, { topic: TOPIC, incarnationOf: async () => incarnation })
    const lane = await open()
    await lane.drain([1, 2].map((pid) => recordOf(pid, Date.now())))
    offset = 0n
    const anew = [recordOf(3, Date.now())]
    expect(await lane.apply(anew)).toEqual({ type: 'applied', nextOffset: 2n })
    incarnation = 2
    expect(await lane.apply(anew)).toEqual({ type: 'fenced' })
    // Also when the new topic has grown beyond the old place in one go.
    const longer = [recordOf(3, Date.now()), recordOf(4, Date.now()), recordOf(5, Date.now())]
    expect(await lane.apply([...anew, ...longer])).toEqual({ type: 'fenced' })
    const again = await open()
    expect(again.nextOffset).toBe(0n)
    await again.drain(anew)
    expect(await documents()).toEqual([1, 2, 3].map(keyOf))
  })
})
