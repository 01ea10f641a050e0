import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectKafka, fetchEndOffsets } from '@millrace/kafka'
import { topicNames } from '@millrace/events'
import { silentLogger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { badInputs } from '../bad-inputs.ts'
import { httpClient, type HttpAnswer, type HttpClient } from '../http-client.ts'
import { TOKEN_SECRET, type LogLine } from '../service-process.ts'
import { IDENTITY_ENV } from '../signed-token.ts'
import { prepareServers, type TestServers } from '../test-servers.ts'
import { by, MIB, type BadInput, type BadInputs, type Target } from './bad-input.ts'
import { CANARY } from './bad-callers.ts'
import { exchange } from './exchange.ts'
import { expectAnswer } from './expect-answer.ts'
import { startMeasured, type MeasuredService } from './measured-service.ts'
import { REVOKED, type Tokens } from './tokens.ts'

export type Bearing = {
  readonly name: string
  readonly target: Target
  /** What only this service can be sent. */
  readonly own: BadInputs
  /** Its very own Kafka, when it writes to one: then nothing may be in it. */
  readonly startKafka?: () => Promise<{ readonly url: string; stop(): Promise<void> }>
  /** Such as keeps it from writing by itself. */
  readonly env?: Readonly<Record<string, string>>
}

/** As the list of bad inputs says. */
const MAX_BLOCK_MS = 50
const MAX_GROWTH_BYTES = 64 * MIB
/** An input that blocks the loop does so each time; a machine that is busy with others does not. */
const ATTEMPTS = 10
const ROUNDS = 3

const signatureOf = (token: string): string => token.split('.').at(-1) ?? ''

const secretsOf = ({ good, foreign, powerless, bad }: Tokens): string[] =>
  [
    ...[TOKEN_SECRET, IDENTITY_ENV.JWT_SECRET, CANARY, Buffer.from(CANARY).toString('base64')],
    ...[good, foreign, powerless, ...Object.values(bad)].map(signatureOf),
  ].filter((secret) => secret !== '')

/** Who is at work, which changes by itself. */
const OPERATIONAL = new Set(['leases', 'presences'])

const writtenTo = async (servers: TestServers, hasOwnKafka: boolean): Promise<Record<string, string>> => {
  const collections = await servers.mongoConnection.db.collections()
  const lasting = collections.filter(({ collectionName }) => !OPERATIONAL.has(collectionName))
  const documents = lasting.map(async (collection): Promise<[string, string]> => [
    collection.collectionName,
    String(await collection.countDocuments()),
  ])
  const kafka = connectKafka({ brokers: [servers.kafka], clientId: 'test', logger: silentLogger })
  const records = (hasOwnKafka ? topicNames : []).map(async (topic): Promise<[string, string]> => [
    topic,
    [...(await fetchEndOffsets(kafka, topic)).values()].join(),
  ])
  return Object.fromEntries(await Promise.all([...documents, ...records]))
}

/** Lines that conclude a request. */
const isConclusion = ({ msg = '' }: LogLine): boolean =>
  /^request (?:answered|refused|failed|could not be answered)$/.test(msg)

/** Every bad input of the list that the service can be sent, and its own; then what became of the service. */
export const bearBadInputs = ({ name, target, own, startKafka, env = {} }: Bearing): void =>
  describe(`${name} bears`, () => {
    const inputs = { ...badInputs(target), ...by(target.tokens.good, own) }
    const secrets = secretsOf(target.tokens)
    const answered: string[] = []
    let folder: string
    let kafka: { readonly url: string; stop(): Promise<void> } | undefined
    let servers: TestServers
    let service: MeasuredService
    let client: HttpClient
    let before: Record<string, string>

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-bad-inputs-'))
      await writeFile(join(folder, 'revoked'), `${REVOKED}\n`)
      kafka = await startKafka?.()
      servers = await prepareServers({ name: `${name}-bad`, ...(kafka ? { kafka: kafka.url } : {}) })
      service = await startMeasured(name, servers, {
        ...IDENTITY_ENV,
        LOG_LEVEL: 'debug',
        REVOKED_TOKENS_FILE: join(folder, 'revoked'),
        AUTH_FAILURES_BURST: '100000',
        ...env,
      })
      client = httpClient(service.url)
      await eventually(
        () => fetch(`${service.admin}/readyz`),
        ({ status }) => status === 200,
      )
      before = await writtenTo(servers, kafka !== undefined)
    })

    afterAll(async () => {
      await client.close()
      await service.stop()
      await servers.stop()
      await kafka?.stop()
      await rm(folder, { recursive: true })
    })

    const send = ({ send: sent }: BadInput): Promise<HttpAnswer> =>
      'bytes' in sent ? exchange(service.url, sent) : client.send(sent)

    const sendMeasured = async (input: BadInput): Promise<{ answer: HttpAnswer; blockMs: number }> => {
      await service.vitals()
      await service.goesRound()
      const answer = await send(input)
      await service.goesRound()
      return { answer, blockMs: (await service.vitals()).longestBlockMs }
    }

    const shortestBlockMs = async (input: BadInput): Promise<number> => {
      let shortest = Number.POSITIVE_INFINITY
      for (let attempt = 0; attempt < ATTEMPTS && shortest > MAX_BLOCK_MS; attempt++)
        shortest = Math.min(shortest, (await sendMeasured(input)).blockMs)
      return shortest
    }

    it.each(Object.entries(inputs))('%s', async (_, input) => {
      const { answer, blockMs } = await sendMeasured(input)
      expectAnswer(answer, { expected: input.answer, secrets })
      if (blockMs > MAX_BLOCK_MS) expect(await shortestBlockMs(input)).toBeLessThanOrEqual(MAX_BLOCK_MS)
      expect(service.isAlive()).toBe(true)
      answered.push(String(answer.headers['x-request-id']))
    })

    it('and is not larger for it', async () => {
      const { rssBytes } = await service.vitals()
      for (let round = 0; round < ROUNDS; round++) {
        for (const input of Object.values(inputs)) await send(input)
      }
      expect((await service.vitals()).rssBytes - rssBytes).toBeLessThan(MAX_GROWTH_BYTES)
    })

    it('and lives', async () => {
      expect([service.isAlive(), await service.livez()]).toEqual([true, 200])
    })

    it('and has written nothing', async () => {
      expect(await writtenTo(servers, kafka !== undefined)).toEqual(before)
    })

    it('and has one line about each request', async () => {
      const countLines = (): Record<string, number> => {
        const lines = Object.fromEntries(answered.map((id) => [id, 0]))
        for (const line of service.log().filter(isConclusion)) {
          const id = String(line['requestId'])
          if (id in lines) lines[id] = (lines[id] ?? 0) + 1
        }
        return lines
      }
      expect(answered).toHaveLength(Object.keys(inputs).length)
      const once = Object.fromEntries(answered.map((id) => [id, 1]))
      await eventually(countLines, (lines) => Object.values(lines).every((count) => count > 0)).catch(
        () => undefined,
      )
      expect(countLines()).toEqual(once)
    })

    it('and tells no secret', async () => {
      const shown = await (await fetch(`${service.admin}/metrics`)).text()
      const log = service.log()
      expect(log.filter(({ level }) => level === undefined)).toEqual([])
      for (const secret of secrets) expect(JSON.stringify(log) + shown).not.toContain(secret)
    })
  })
