import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { httpClient, type HttpAnswer, type HttpClient } from '../http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../service-process.ts'
import { IDENTITY_ENV } from '../signed-token.ts'
import { prepareServers, type TestServers } from '../test-servers.ts'
import { bearer, type Target } from './bad-input.ts'
import { answerOn, openSocket } from './exchange.ts'

const SLOW = 200
/** Of those, one in so many gets past its headers, which costs it of its rate. */
const WITH_BODY = 20
const BYTE_EVERY_MS = 100
const PER_SECOND = 2
const BURST = 20

const LIMITS = {
  HEADERS_TIMEOUT_MS: '1000',
  REQUEST_TIMEOUT_MS: '2000',
  RATE_LIMIT_PER_SECOND: String(PER_SECOND),
  RATE_LIMIT_BURST: String(BURST),
  MAX_CONNECTIONS: String(SLOW + 50),
}

/** One byte after the other, of headers or of a body that never end. */
const trickle = async (url: string, beginning: string): Promise<HttpAnswer> => {
  const socket: Socket = await openSocket(url)
  const timer = setInterval(() => socket.write('x'), BYTE_EVERY_MS)
  try {
    socket.write(beginning)
    return await answerOn(socket)
  } finally {
    clearInterval(timer)
    socket.destroy()
  }
}

/** Many at once, or one who wants too much, do not keep others from their answers. */
export const bearCrowds = ({ name, target }: { name: string; target: Target }): void =>
  describe(`${name} goes on for others`, () => {
    const { read, tokens } = target
    const statusesOf = (answers: readonly HttpAnswer[]): number[] => [
      ...new Set(answers.map(({ status }) => status)),
    ]
    let servers: TestServers
    let service: ServiceProcess
    let client: HttpClient

    beforeAll(async () => {
      servers = await prepareServers({ name: `${name}-crowd` })
      service = await startServiceProcess(name, servers, { ...IDENTITY_ENV, ...LIMITS })
      client = httpClient(service.url)
    })
    afterAll(async () => {
      await client.close()
      await service.stop()
      await servers.stop()
    })

    const ask = (token: string): Promise<HttpAnswer> =>
      client.send({ path: read.path, headers: bearer(token) })

    it('54: while two hundred are slow, who are told so in time', async () => {
      const headers = `GET ${read.path} HTTP/1.1\r\nHost: x\r\n`
      const body = `${headers}Authorization: Bearer ${tokens.good}\r\nContent-Length: 1000\r\n\r\n`
      const startedAt = performance.now()
      let slow = SLOW
      const told = Promise.all(
        Array.from({ length: SLOW }, async (_, index) => {
          const answer = await trickle(service.url, index % WITH_BODY === 0 ? body : `${headers}X-A: `)
          slow -= 1
          return answer
        }),
      )
      const answered: HttpAnswer[] = []
      let longestMs = 0
      while (slow === SLOW || answered.length < 10) {
        const askedAt = performance.now()
        answered.push(await client.send({ path: '/openapi.json' }))
        longestMs = Math.max(longestMs, performance.now() - askedAt)
      }
      // Whoever had to wait for the slow ones would have waited until the first of them was told.
      expect(longestMs).toBeLessThan(Number(LIMITS.HEADERS_TIMEOUT_MS))
      expect(statusesOf(answered)).toEqual([200])
      const refusals = await told
      expect(statusesOf(refusals)).toEqual([408])
      for (const refusal of refusals) {
        expect(refusal.headers).toMatchObject({
          'content-type': 'application/problem+json',
          connection: 'close',
        })
        expect(refusal.json()['instance']).toBe(`urn:request:${String(refusal.headers['x-request-id'])}`)
      }
      expect(performance.now() - startedAt).toBeLessThan(15_000)
    })

    it('60: while one asks too often, who is told when to ask again', async () => {
      const greedy = await Promise.all(Array.from({ length: 4 * BURST }, () => ask(tokens.foreign)))
      const refused = greedy.filter(({ status }) => status !== 200)
      expect(statusesOf(refused)).toEqual([429])
      // The rest came by at the rate, in the time that it took.
      expect(greedy.length - refused.length).toBeGreaterThanOrEqual(BURST)
      for (const answer of refused) {
        expect(answer.headers).toMatchObject({
          'content-type': 'application/problem+json',
          'retry-after': expect.stringMatching(/^[1-9]\d*$/),
          'ratelimit-policy': `"principal";q=${BURST};w=${BURST / PER_SECOND}`,
          ratelimit: expect.stringMatching(/^"principal";r=0;t=\d+$/),
        })
      }
      const others = await Promise.all(Array.from({ length: BURST / 2 }, () => ask(tokens.good)))
      expect(statusesOf(others)).toEqual([200])
      const again = await eventually(
        () => ask(tokens.foreign),
        ({ status }) => status === 200,
      )
      expect(again.headers['ratelimit']).toMatch(/^"principal";r=\d+;t=\d+$/)
    })
  })
