import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { silentLogger, type Logger } from '@millrace/runtime'
import { eventually } from '@millrace/testkit'
import { runAgent } from '../src/agent/run-agent.ts'
import { connectCommandApi } from '../src/import/command-client.ts'

let server: Server
let url: string
let status: number
let requests: number
beforeEach(async () => {
  status = 401
  requests = 0
  server = createServer((request, response) => {
    requests += 1
    request.resume()
    response.statusCode = status
    response.end(status === 202 ? '' : JSON.stringify({ detail: 'the reason' }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterEach(async () => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
})

describe('a token that command-api does not take', () => {
  it.each([401, 403])('ends an import with one message, and not each of its rows: %s', async (refusal) => {
    status = refusal
    const signal = new AbortController().signal
    const client = connectCommandApi({ url, token: 'wrong', connections: 1, signal })
    const sent = client.send({ path: '/orders/o-1/place', idempotencyKey: 'k', body: {} })
    await expect(sent).rejects.toMatchObject({
      message: expect.stringMatching(`answered ${refusal}: the reason; set MILLRACE_TOKEN`),
      exitCode: 1,
    })
    await client.close()
  })

  const onLinux = process.platform === 'linux' ? it : it.skip

  onLinux('is said once by the agent, and again after it was taken', async () => {
    const warnings: unknown[] = []
    const logger: Logger = {
      ...silentLogger,
      warn: (fields: { err?: Error }, message: string) => void warnings.push([message, fields.err?.message]),
    }
    const controller = new AbortController()
    const agent = runAgent({ url, token: 'wrong', everyMs: 1, logger, signal: controller.signal })
    const beats = (count: number) =>
      eventually(
        () => requests,
        (seen) => seen >= count,
      )
    const warning = ['heartbeats dropped', 'command-api answered 401: the reason']
    await beats(4)
    expect(warnings).toEqual([warning])
    status = 202
    await beats(requests + 3)
    status = 401
    await beats(requests + 3)
    controller.abort()
    await agent
    expect(warnings).toEqual([warning, warning])
  })
})
