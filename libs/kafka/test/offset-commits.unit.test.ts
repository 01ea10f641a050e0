import { describe, expect, it } from '@jest/globals'
import { silentLogger } from '@millrace/runtime'
import type { ConsumerEvent } from '../src/consumer-event.ts'
import { type CommitHandle, OffsetCommits } from '../src/offset-commits.ts'

const at = (partition: number, offset: bigint) => ({ topic: 't', partition, offset })

const setUp = () => {
  const events: ConsumerEvent[] = []
  const sent: Parameters<CommitHandle>[0][] = []
  const onEvent = (event: ConsumerEvent) => void events.push(event)
  const commits = new OffsetCommits({ everyMs: 60_000, logger: silentLogger, onEvent })
  const handle: CommitHandle = (offsets) => Promise.resolve(void sent.push(offsets))
  return { events, sent, commits, handle }
}

describe('offset commits', () => {
  it('sends the latest offset of each partition', async () => {
    const { commits, sent, handle } = setUp()
    commits.useHandle(handle)
    for (const offset of [at(0, 5n), at(1, 3n), at(0, 9n)]) commits.note(offset)
    await commits.flush()
    const partitions = [
      { partition: 0, offset: '9' },
      { partition: 1, offset: '3' },
    ]
    expect(sent).toEqual([{ topics: [{ topic: 't', partitions }] }])
  })

  it('sends nothing of an older generation', async () => {
    const { commits, sent, handle } = setUp()
    commits.useHandle(handle)
    commits.note(at(0, 5n))
    const flushed = commits.flush()
    commits.newGeneration()
    await flushed
    await commits.flush()
    expect(sent).toEqual([])
    commits.newGeneration()
  })

  it('waits for the first batch of a generation', async () => {
    const { commits, sent, handle } = setUp()
    commits.note(at(0, 5n))
    await commits.flush()
    expect(sent).toEqual([])
    commits.useHandle(handle)
    await commits.flush()
    expect(sent).toHaveLength(1)
  })

  it('reports a failure and tries the same offsets with the next commit', async () => {
    const { commits, sent, events, handle } = setUp()
    commits.useHandle(() => Promise.reject(new Error('no coordinator')))
    commits.note(at(0, 5n))
    await commits.flush()
    expect(events.map(({ type }) => type)).toEqual(['commit-failed'])
    commits.useHandle(handle)
    await commits.flush()
    expect(sent).toHaveLength(1)
  })
})
