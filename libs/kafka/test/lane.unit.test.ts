import { describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import type { LaneEvent } from '../src/consumer-event.ts'
import type { LaneLimits } from '../src/lane-limits.ts'
import { makeLane } from '../src/lane.ts'
import { chunkOf } from './chunks.ts'
import { until } from './until.ts'
import { RecordingSource, doneWith } from './recording-source.ts'

const limits: LaneLimits = {
  maxQueuedBytesPerLane: 1_000,
  maxBatchRecords: 3,
  maxBatchBytes: 1_000,
  commitEveryMs: 1_000,
}

const setUp = (source = new RecordingSource(), predecessorGone: Promise<unknown> = Promise.resolve()) => {
  const fetching: string[] = []
  const events: LaneEvent[] = []
  const done: bigint[] = []
  const lane = makeLane({
    topic: 't',
    partition: 0,
    source,
    limits,
    share: () => Infinity,
    logger: silentLogger,
    predecessorGone,
    fetching: {
      pause: () => fetching.push('pause'),
      resume: () => fetching.push('resume'),
      seek: (offset) => fetching.push(`seek ${offset}`),
    },
    onDone: (nextOffset) => done.push(nextOffset),
    onEvent: (event) => events.push(event),
    now: () => performance.now(),
  })
  const isIn = (type: string) => () => lane.status().state.type === type
  return { lane, source, fetching, events, done, isIn }
}

const running = async (source?: RecordingSource) => {
  const given = setUp(source)
  await until('lane runs', given.isIn('running'))
  return given
}

const range = (from: number, to: number): bigint[] =>
  Array.from({ length: to - from }, (_, index) => BigInt(from + index))

describe('a lane', () => {
  it('seeks to where its source says before it fetches', async () => {
    const source = new RecordingSource()
    source.checkpoints.set('t/0', 40n)
    const { fetching, lane } = await running(source)
    expect(fetching).toEqual(['seek 40', 'resume'])
    await lane.close()
  })

  it('does not claim its partition before its predecessor has let go', async () => {
    const predecessor = Promise.withResolvers<void>()
    const { lane, source, isIn } = setUp(new RecordingSource(), predecessor.promise)
    expect(source.opened).toEqual([])
    predecessor.resolve()
    await until('lane runs', isIn('running'))
    await lane.close()
  })

  it('tries again when the partition cannot be claimed yet', async () => {
    const source = new RecordingSource()
    let tries = 0
    source.beforeOpen = () =>
      (tries += 1) < 3 ? Promise.reject(new Error('no majority')) : Promise.resolve()
    const { lane } = await running(source)
    expect(tries).toBe(3)
    await lane.close()
  })

  it('hands over everything queued, up to its limits, in order', async () => {
    const { lane, source } = await running()
    lane.enqueue(chunkOf(range(0, 4)))
    lane.enqueue(chunkOf(range(4, 8)))
    await until('all applied', () => source.total() === 8)
    expect(source.offsets(0)).toEqual(range(0, 8))
    expect(source.calls.every(({ offsets }) => offsets.length <= 3)).toBe(true)
    await lane.close()
  })

  it('hands the same records over again after an error, and loses and reorders nothing', async () => {
    const source = new RecordingSource()
    let failures = 2
    source.apply = (records) => {
      if (failures-- > 0) throw new Error('mongo is away')
      return doneWith(records)
    }
    const { lane } = await running(source)
    lane.enqueue(chunkOf(range(0, 5)))
    await until('all applied', () => source.total() === 5)
    expect(source.offsets(0)).toEqual(range(0, 5))
    expect(source.calls.slice(0, 3).map(({ offsets }) => offsets)).toEqual([
      range(0, 3),
      range(0, 3),
      range(0, 3),
    ])
    await lane.close()
  })

  it('hands the rest over again when only a part was applied', async () => {
    const source = new RecordingSource()
    source.apply = ([first]) => ({ type: 'applied', nextOffset: (first?.offset ?? 0n) + 1n })
    const { lane } = await running(source)
    lane.enqueue(chunkOf(range(0, 4)))
    await until('all applied', () => source.total() === 4)
    expect(source.offsets(0)).toEqual(range(0, 4))
    await lane.close()
  })

  it('does not hand over what its session has already done', async () => {
    const source = new RecordingSource()
    source.apply = () => ({ type: 'applied', nextOffset: 6n })
    const { lane, done } = await running(source)
    lane.enqueue(chunkOf(range(0, 8)))
    await until('second batch', () => source.calls.length === 2)
    expect(source.calls[1]?.offsets).toEqual([6n, 7n])
    expect(done).toContain(6n)
    await lane.close()
  })

  it('stops rather than spin when "applied" applied nothing', async () => {
    const source = new RecordingSource()
    source.apply = () => ({ type: 'applied', nextOffset: 0n })
    const { lane, isIn } = await running(source)
    lane.enqueue(chunkOf(range(0, 2)))
    await until('lane stops', isIn('stopped'))
    await lane.close()
  })

  it('commits beyond the last record where a fetch covered more', async () => {
    const { lane, done } = await running()
    lane.enqueue(chunkOf([0n, 1n], { endOffset: 9n }))
    await until('done to the end', () => done.includes(9n))
    expect(lane.status().lag).toBe(0n)
    await lane.close()
  })

  it('has no lag behind records that nobody can see', async () => {
    const { lane } = await running()
    lane.hearEndOffset(3n)
    expect(lane.status().lag).toBe(3n)
    lane.skipInvisible(3n)
    expect(lane.status().lag).toBe(0n)
    await lane.close()
  })

  it('pauses above its byte limit and resumes below half of it', async () => {
    const source = new RecordingSource()
    const gate = Promise.withResolvers<void>()
    source.apply = async (records) => {
      await gate.promise
      return doneWith(records)
    }
    const { lane, fetching, events } = await running(source)
    const sizes = Array.from({ length: 40 }, () => 40)
    lane.enqueue(chunkOf(range(0, 40), { sizes }))
    expect(fetching.at(-1)).toBe('pause')
    gate.resolve()
    await until('all applied', () => source.total() === 40)
    const resumed = events.find(({ type }) => type === 'fetch-resumed')
    expect(resumed).toHaveProperty('queuedBytes', 400)
    await lane.close()
  })

  it('drops its queue when it is fenced and waits for a later heartbeat', async () => {
    const source = new RecordingSource()
    source.apply = () => ({ type: 'fenced' })
    const { lane, fetching, isIn } = await running(source)
    const beforeFencing = performance.now()
    lane.enqueue(chunkOf(range(0, 9)))
    await until('lane is fenced', isIn('fenced'))
    expect([fetching.at(-1), lane.status().queuedRecords]).toEqual(['pause', 0])
    lane.hearHeartbeat(beforeFencing)
    expect(source.opened).toHaveLength(1)
    source.apply = doneWith
    lane.hearHeartbeat(performance.now() + 1)
    await until('lane runs again', isIn('running'))
    expect(source.closed).toHaveLength(1)
    await lane.close()
  })

  it('keeps what the call in flight has done when it drains', async () => {
    const source = new RecordingSource()
    const gate = Promise.withResolvers<void>()
    source.apply = async (records) => {
      await gate.promise
      return doneWith(records)
    }
    const { lane, done } = await running(source)
    lane.enqueue(chunkOf(range(0, 6)))
    const drained = lane.drain()
    gate.resolve()
    await drained
    expect(done.at(-1)).toBe(3n)
    expect(source.calls).toHaveLength(1)
    expect(source.closed).toHaveLength(1)
  })

  it('ignores what a call in flight answers after it was closed', async () => {
    const source = new RecordingSource()
    const gate = Promise.withResolvers<void>()
    source.apply = async (records) => {
      await gate.promise
      return doneWith(records)
    }
    const { lane, done } = await running(source)
    lane.enqueue(chunkOf(range(0, 6)))
    const closed = lane.close()
    gate.resolve()
    await closed
    expect(done).toEqual([0n])
    expect(source.calls).toHaveLength(1)
  })

  it('closes a session that comes after it was closed', async () => {
    const source = new RecordingSource()
    const gate = Promise.withResolvers<void>()
    source.beforeOpen = () => gate.promise
    const { lane } = setUp(source)
    await until('nothing else to do', () => true)
    const closed = lane.close()
    gate.resolve()
    await closed
    expect(source.closed).toEqual(source.opened)
  })

  it('passes a jump on and reports it', async () => {
    const { lane, source, events, fetching } = await running()
    lane.enqueue(chunkOf([50n, 51n]))
    expect(fetching.at(-1)).toBe('seek 0')
    lane.enqueue(chunkOf([50n, 51n]))
    await until('both applied', () => source.total() === 2)
    expect(events).toContainEqual({ type: 'jumped', expectedOffset: 0n, actualOffset: 50n })
    await lane.close()
  })
})
