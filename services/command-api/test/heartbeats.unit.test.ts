import { describe, expect, it } from '@jest/globals'
import { makeInMemoryCodec } from '@millrace/events'
import { messageBytes, type OutgoingMessage } from '@millrace/kafka'
import { EVERY_SCOPE, newId, type Route } from '@millrace/runtime'
import { heartbeatRoute } from '../src/http/heartbeats.ts'
import { heartbeat } from './bad-requests.ts'

const KIB = 1024

/** A thousand of the largest that may come, all of one process. */
const largest = Array.from({ length: 1_000 }, (_, beat) =>
  heartbeat({ host: 'h'.repeat(128), name: '€'.repeat(200), beat }),
)

const callWith = (lines: readonly string[]): Parameters<Route['handle']>[0] => ({
  requestId: 'r'.repeat(128),
  principal: { id: 'dev', tenant: 'demo', scopes: EVERY_SCOPE },
  path: '/heartbeats',
  params: {},
  query: {},
  headers: {},
  body: lines.map((line) => JSON.parse(line) as unknown),
  rawBody: Buffer.from(''),
  signal: new AbortController().signal,
  header: () => undefined,
  prefers: () => undefined,
})

type Send = (messages: readonly OutgoingMessage[]) => Promise<{ baseOffset: bigint }>

const post = async (lines: readonly string[], send: Send) => {
  const codec = await makeInMemoryCodec()
  const route = heartbeatRoute({ codec, newId, partitionOf: () => 0, producerOf: () => ({ send }) })
  return route.handle(callWith(lines))
}

describe('heartbeats of one partition', () => {
  it('go in one send when it holds them', async () => {
    const sizes: number[] = []
    await post(largest.slice(0, 200), (messages) => {
      sizes.push(messages.length)
      return Promise.resolve({ baseOffset: 0n })
    })
    expect(sizes).toEqual([200])
  })

  it('go one send after the other, in order, each of 900 KiB at most', async () => {
    const codec = await makeInMemoryCodec()
    const values: Buffer[] = []
    const sizes: number[] = []
    let underWay = 0
    await post(largest, async (messages) => {
      expect(++underWay).toBe(1)
      for (const { value } of messages) if (value) values.push(value)
      sizes.push(messages.reduce((sum, message) => sum + messageBytes(message), 0))
      await Promise.resolve()
      underWay -= 1
      return { baseOffset: 0n }
    })
    await codec.ensureWriters(values.map((value) => codec.writerIdOf(value)))
    const beats = values.map((value) => codec.decode('heartbeat.received', value).data)
    expect(beats).toEqual(largest.map((line) => JSON.parse(line) as unknown))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(900 * KIB)
    expect(sizes.length).toBeGreaterThan(2)
  })

  it('are never as large, one by one, that a send could not hold them', async () => {
    await post(largest.slice(0, 1), ([message]) => {
      expect(message && messageBytes(message)).toBeLessThan(8 * KIB)
      return Promise.resolve({ baseOffset: 0n })
    })
  })

  it('do not go behind a send that failed', async () => {
    let sends = 0
    const sent = post(largest, () => {
      sends += 1
      return Promise.reject(new Error('outage'))
    })
    await expect(sent).rejects.toThrow('outage')
    expect(sends).toBe(1)
  })
})
