import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { processes, processState, versionedName } from '@millrace/domain'
import { connectCodec, writerIdsOf, type Codec } from '@millrace/events'
import { pause } from '@millrace/runtime'
import { eventually, heartbeat } from '@millrace/testkit'
import { collectRecords, type Collector } from '../support/collect-records.ts'
import { httpClient, type HttpClient } from '../support/http-client.ts'
import { startOwnServer, type OwnServer } from '../support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../support/service-process.ts'
import { prepareServers, type TestServers } from '../support/test-servers.ts'

const PATIENT = { timeoutMs: 60_000, everyMs: 50 }
const BEAT_EVERY_MS = 1_000
const SILENT = 1
const ALIVE = 2
const READ = 3

// One story, of real time: a process that falls silent beside one that does not.
describe('a process', () => {
  let kafka: OwnServer
  let servers: TestServers
  let services: ServiceProcess[] = []
  let client: HttpClient
  let readers: HttpClient
  let codec: Codec
  let topic: Collector
  const ended = new AbortController()
  let beating: Promise<void> = Promise.resolve()
  let silentFromMs = 0

  beforeAll(async () => {
    kafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'process-state', kafka: kafka.url })
    services = await Promise.all([
      startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' }),
      startServiceProcess('projector', servers, { PROJECTIONS: `${processState.name},${processes.name}` }),
      startServiceProcess('query-api', servers),
    ])
    client = httpClient(services[0]?.url ?? '')
    readers = httpClient(services[2]?.url ?? '')
    codec = await connectCodec({ registryUrl: servers.registry, writes: [] })
    topic = await collectRecords(kafka.url, 'process.state')
  })
  afterAll(async () => {
    ended.abort()
    await topic.stop()
    await client.close()
    await readers.close()
    await Promise.all(services.map((service) => service.stop()))
    await servers.stop()
    await kafka.stop()
  })

  /** Gives the position. */
  const beat = async (pid: number, count: number): Promise<string> => {
    const answer = await client.send({
      method: 'POST',
      path: '/heartbeats',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([heartbeat({ pid, beat: count }).data]),
    })
    expect(answer.status).toBe(202)
    return String(answer.json()['position'])
  }

  const keepBeating = async (pid: number): Promise<void> => {
    for (let count = 2; !ended.signal.aborted; count++) {
      await beat(pid, count)
      await pause(BEAT_EVERY_MS, ended.signal)
    }
  }

  const statusOf = async (pid: number): Promise<unknown> => {
    const documents = servers.mongoConnection.db.collection(`readModel.${versionedName(processes)}`)
    return (await documents.findOne({ pid }))?.['status']
  }

  const untilStatus = (pid: number, status: string): Promise<unknown> =>
    eventually(
      () => statusOf(pid),
      (found) => found === status,
      PATIENT,
    )

  /** The last value of each process on the compacted topic. */
  const lastOnTopic = async (): Promise<Record<string, unknown>> => {
    const last = new Map(topic.records().map(({ key, value }) => [String(key), value]))
    await codec.ensureWriters(writerIdsOf(codec, last.values()))
    return Object.fromEntries(
      [...last].map(([key, value]) => {
        const event = value && codec.decode('process.state', value)
        return [key, event?.type === 'ProcessState' ? event.data.status : null]
      }),
    )
  }

  it('has started with its first heartbeat, and is alive with the next', async () => {
    await Promise.all([beat(SILENT, 1), beat(ALIVE, 1)])
    await untilStatus(SILENT, 'started')
    silentFromMs = performance.now()
    await beat(SILENT, 2)
    beating = keepBeating(ALIVE)
    await Promise.all([untilStatus(SILENT, 'alive'), untilStatus(ALIVE, 'alive')])
  })

  it('that falls silent is stale after fifteen seconds, by ticks if by nothing else; others are not', async () => {
    await untilStatus(SILENT, 'stale')
    // Whatever the machine is busy with makes it later; only the clocks' milliseconds may differ.
    expect(performance.now() - silentFromMs).toBeGreaterThan(14_990)
    expect(await statusOf(ALIVE)).toBe('alive')
  })

  it('is on the compacted topic what it is in the read model', async () => {
    const wanted = { 'demo/m-1:node:1': 'stale', 'demo/m-1:node:2': 'alive' }
    await eventually(
      lastOnTopic,
      (last) => JSON.stringify(Object.entries(last).toSorted()) === JSON.stringify(Object.entries(wanted)),
      PATIENT,
    )
  })

  it('is read as it was heard of last, by whoever waits for that, while it beats', async () => {
    for (let count = 1; count <= 20; count++) {
      const position = await beat(READ, count)
      const key = `m-1:node:${READ}`
      for (const path of ['snap', 'read-models/processes']) {
        const answer = await readers.send({ path: `/${path}/${key}?after=${position}&timeout=30000` })
        expect([answer.status, answer.text]).toEqual([200, answer.text])
        const { doc, beat: counted } = answer.json() as { doc?: { beat: number }; beat?: number }
        expect(doc?.beat ?? counted).toBe(count)
      }
    }
  })

  it('is alive again when it comes back', async () => {
    await beat(SILENT, 3)
    await untilStatus(SILENT, 'alive')
    ended.abort()
    await beating
  })
})
