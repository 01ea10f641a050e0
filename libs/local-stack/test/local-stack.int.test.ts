import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pingMongo } from '@millrace/mongo'
import {
  identifyProcess,
  startLocalStack,
  type LocalStack,
  type LocalStackOptions,
  type ServerEvent,
} from '../src/index.ts'
import { canConnect } from '../src/wait-for-tcp.ts'
import { eventually } from './eventually.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

const START_MS = 240_000 // the first run downloads the servers
const ignore = (): void => {}
const logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
const memory = { kafkaMinMb: 128, kafkaMaxMb: 256, registryMaxMb: 256, mongoCacheGb: 0.5 }

const start = (options: Partial<LocalStackOptions>): Promise<LocalStack> =>
  startLocalStack({ dataDir: '', logger, memory, ...options })

const portOf = (stack: LocalStack): number => Number(stack.urls.kafka.split(':')[1])

const registerSchema = async (stack: LocalStack, name: string): Promise<number> => {
  const schema = JSON.stringify({ type: 'record', name, fields: [{ name: 'at', type: 'long' }] })
  const response = await fetch(`${stack.urls.registry}/subjects/${name}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  const { id } = (await response.json()) as { id: number }
  return id
}

const readSchema = async (stack: LocalStack, id: number): Promise<number> =>
  (await fetch(`${stack.urls.registry}/schemas/ids/${id}`)).status

const readLeaders = (dataDir: string): { pid: number }[] =>
  JSON.parse(readFileSync(join(dataDir, 'processes.json'), 'utf8')) as { pid: number }[]

/** Another program that listens where the stack did. */
const occupy = async (port: number): Promise<Server> => {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

describe('an ephemeral stack', () => {
  let stack: LocalStack
  beforeAll(async () => {
    stack = await start({ ephemeral: true })
  }, START_MS)
  afterAll(() => stack.stop())

  it('has all three servers ready', async () => {
    await pingMongo(stack.urls.mongo)
    expect(await canConnect('127.0.0.1', portOf(stack))).toBe(true)
    expect((await fetch(`${stack.urls.registry}/subjects`)).status).toBe(200)
  })

  it('is used by another stack that is given its URLs, and lives longer than that', async () => {
    const other = await start({ ephemeral: true, urls: stack.urls })
    expect(other.urls).toEqual(stack.urls)
    expect(other.origin).toEqual({ kafka: 'url', mongo: 'url', registry: 'url' })
    await other.stop()
    await pingMongo(stack.urls.mongo)
  })

  it.each([
    ['kafka', '127.0.0.1:1', /KAFKA_BROKERS is 127\.0\.0\.1:1, which does not answer/],
    ['registry', 'http://127.0.0.1:1/apis', /SCHEMA_REGISTRY_URL is http:\/\/127\.0\.0\.1:1\/apis, which/],
    ['mongo', 'mongodb://127.0.0.1:1/?directConnection=true', /MONGO_URL is mongodb:\/\/127\.0\.0\.1:1/],
  ])('refuses a %s URL that does not answer and names it', async (role, url, message) => {
    const failing = start({ ephemeral: true, urls: { ...stack.urls, [role]: url } })
    await expect(failing).rejects.toMatchObject({
      code: 'url-unreachable',
      message: expect.stringMatching(message),
    })
  })
})

describe('a stack with a data directory', () => {
  const dataDir = makeTemporaryDirectory()
  let stack: LocalStack | null = null
  let id = 0
  const restart = async (): Promise<LocalStack> => {
    await stack?.stop()
    stack = await start({ dataDir })
    return stack
  }
  beforeAll(async () => {
    id = await registerSchema(await restart(), 'Happened')
  }, START_MS)
  afterAll(() => stack?.stop())

  it('refuses a second stack on the same directory and names its process', async () => {
    await expect(start({ dataDir })).rejects.toMatchObject({
      code: 'data-dir-in-use',
      message: expect.stringContaining(`Process ${process.pid}`),
    })
  })

  it('has the same ports and schema ids after a restart', async () => {
    const before = stack?.urls
    const after = await restart()
    expect(after.urls).toEqual(before)
    expect(await readSchema(after, id)).toBe(200)
  })

  it('starts servers again that were killed, on the same ports, with their data', async () => {
    const running = stack
    if (running === null) throw new Error('not started')
    const events: ServerEvent[] = []
    running.onServerEvent((event) => events.push(event))
    const late = await registerSchema(running, 'HappenedLate')
    const leaders = readLeaders(dataDir)
    for (const { pid } of leaders) process.kill(pid, 'SIGKILL')
    await eventually(() => events.filter(({ type }) => type === 'restarted').length === 3, 60_000)
    expect(
      events
        .filter(({ type }) => type === 'exited')
        .map(({ role }) => role)
        .sort(),
    ).toEqual(['kafka', 'mongo', 'registry'])
    await pingMongo(running.urls.mongo)
    expect(await canConnect('127.0.0.1', portOf(running))).toBe(true)
    expect(await readSchema(running, late)).toBe(200)
  }, 90_000)

  it('moves to other ports with its data when its own are taken', async () => {
    const before = stack?.urls
    await stack?.stop()
    stack = null
    const { ports } = JSON.parse(readFileSync(join(dataDir, 'last-run.json'), 'utf8')) as {
      ports: Record<string, number>
    }
    const occupied = await Promise.all(Object.values(ports).map(occupy))
    const moved = await restart().finally(() => occupied.forEach((server) => server.close()))
    expect(Object.values(moved.urls)).not.toEqual(expect.arrayContaining(Object.values(before ?? {})))
    await pingMongo(moved.urls.mongo)
    expect(await readSchema(moved, id)).toBe(200)
  }, 60_000)

  it('ends what a crashed run left before it starts', async () => {
    await stack?.stop()
    stack = null
    const orphan = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
    const leader = identifyProcess(orphan.pid ?? 0)
    writeFileSync(join(dataDir, 'processes.json'), JSON.stringify([leader]))
    // One server of its own is enough for that.
    const { KAFKA_BROKERS: kafka, SCHEMA_REGISTRY_URL: registry } = process.env
    stack = await start({ dataDir, urls: { kafka, registry } })
    expect(identifyProcess(orphan.pid ?? 0)).toBeNull()
  }, 60_000)
})

describe('a stack whose process is killed', () => {
  it('leaves no process and no directory behind', async () => {
    const fixture = new URL('./fixtures/run-stack.ts', import.meta.url).pathname
    const parent = spawn(process.execPath, ['--conditions=source', fixture], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string]
    const { pids, directory } = JSON.parse(line) as { pids: number[]; directory: string }
    expect(pids.map((pid) => identifyProcess(pid) !== null)).toEqual([true, true, true])
    parent.kill('SIGKILL')
    await eventually(() => !pids.some((pid) => identifyProcess(pid)) && !existsSync(directory), 30_000)
  }, 60_000)
})

describe('a start that is cancelled', () => {
  it('ends what it began', async () => {
    const cancel = new AbortController()
    const dataDir = makeTemporaryDirectory()
    const starting = start({ dataDir, signal: cancel.signal })
    await eventually(() => existsSync(join(dataDir, 'processes.json')))
    const leaders = readLeaders(dataDir)
    cancel.abort()
    await expect(starting).rejects.toMatchObject({ code: 'aborted' })
    expect(leaders.some(({ pid }) => identifyProcess(pid))).toBe(false)
  })
})
