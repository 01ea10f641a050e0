import { describe, expect, it } from '@jest/globals'
import { makeInMemoryCodec } from '@millrace/events'
import { messageBytes, type OutgoingMessage } from '@millrace/kafka'
import { createTokenSigner, EVERY_SCOPE, newId, positionTokens, type Route } from '@millrace/runtime'
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

const signer = createTokenSigner('s'.repeat(32))

const post = async (lines: readonly string[], send: Send) => {
  const codec = await makeInMemoryCodec()
  const route = heartbeatRoute({ codec, newId, signer, partitionOf: () => 0, producerOf: () => ({ send }) })
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

describe('the position of heartbeats', () => {
  /** Topic partitions, each with what Kafka has in it. */
  const postTo = async (lines: readonly string[], ends: bigint[]) => {
    const route = heartbeatRoute({
      ...{ codec: await makeInMemoryCodec(), newId, signer },
      partitionOf: (_, key) => Number(key.slice(-1)),
      producerOf: (partition) => ({
        send: async (messages) => {
          const baseOffset = ends[partition] ?? 0n
          ends[partition] = baseOffset + BigInt(messages.length)
          return { baseOffset }
        },
      }),
    })
    const { body } = await route.handle(callWith(lines))
    return body as { accepted: number; position: string }
  }
  const positionIn = ({ position }: { position: string }, tenant = 'demo') =>
    positionTokens(signer).read(tenant, position)
  const topic = 'heartbeat.received'

  it('is that of the last one in each partition that has any, for their tenant alone', async () => {
    const lines = [0, 2, 2, 0, 2].map((pid) => heartbeat({ pid }))
    const answer = await postTo(lines, [7n, 100n, 0n])
    expect(answer.accepted).toBe(5)
    expect(positionIn(answer)).toEqual({ topic, offsets: { 0: 8, 2: 2 } })
    expect(positionIn(answer, 'other')).toBeUndefined()
  })

  it('is that of the last send where there are several', async () => {
    const lines = largest.map((line) => JSON.stringify({ ...(JSON.parse(line) as object), pid: 1 }))
    expect(positionIn(await postTo(lines, [0n, 5n]))).toEqual({ topic, offsets: { 1: 1_004 } })
  })
})
