import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { connectCodec, registerSchemas } from '@millrace/events'
import { loadEventSchemas } from '../src/load-schemas.ts'
import { connectRegistry } from '../src/schema-registry.ts'

// Servers that stand between us and a registry, or are one in trouble.
const answering =
  (status: number, body: string): RequestListener =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
const silent: RequestListener = () => {}
const hangingUp: RequestListener = (_request, response) =>
  response.writeHead(200, { 'content-length': '9' }).write('{', () => response.destroy())

let server: Server | undefined
const serve = async (listener: RequestListener): Promise<string> => {
  const started = createServer(listener)
  server = started
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`
}
afterEach(async () => {
  const closing = server
  server = undefined
  closing?.closeAllConnections()
  await new Promise((resolve) => (closing === undefined ? resolve(undefined) : closing.close(resolve)))
})

const schema = loadEventSchemas().get('OrderShipped')
if (schema === undefined) throw new Error('no schema OrderShipped')
const timeoutMs = 300

describe('an outage of the registry is retryable and never says that a schema is unknown', () => {
  it.each<[string, RequestListener]>([
    ['answers 503', answering(503, '{"message":"starting"}')],
    ['answers 429', answering(429, '{}')],
    ['is behind a gateway that answers 404 with a page', answering(404, '<h1>no such host</h1>')],
    ['is behind a gateway that answers 404 with JSON', answering(404, '{"message":"no route matched"}')],
    ['sends junk', answering(200, 'hello')],
    ['never answers', silent],
    ['hangs up in the middle', hangingUp],
  ])('when it %s', async (_name, listener) => {
    const registryUrl = await serve(listener)
    const registry = connectRegistry({ registryUrl, timeoutMs })
    const unavailable = { name: 'RegistryUnavailableError', retryable: true }
    await expect(registry.schemaOf(1)).rejects.toMatchObject(unavailable)
    await expect(registry.idOf('subject', schema)).rejects.toMatchObject(unavailable)
    await expect(registry.register('subject', schema)).rejects.toMatchObject(unavailable)
    await expect(registerSchemas({ registryUrl, timeoutMs })).rejects.toMatchObject(unavailable)
  })

  it('when nobody listens', async () => {
    const registryUrl = await serve(silent)
    server?.close()
    await expect(connectCodec({ registryUrl, timeoutMs })).rejects.toMatchObject({ retryable: true })
  })

  it('but a reader starts without it', async () => {
    const codec = await connectCodec({ registryUrl: await serve(silent), timeoutMs, writes: [] })
    await expect(codec.ensureWriters([1])).rejects.toMatchObject({ code: 'registry-unavailable' })
  })
})

describe('a refusal of the registry is not retryable', () => {
  it.each([401, 403])('when it answers %d', async (status) => {
    const registryUrl = await serve(answering(status, '{"message":"no"}'))
    const registry = connectRegistry({ registryUrl, timeoutMs })
    await expect(registry.schemaOf(1)).rejects.toMatchObject({ code: 'registry-refused', retryable: false })
    await expect(registry.idOf('subject', schema)).rejects.toMatchObject({ code: 'registry-refused' })
  })
})

describe('credentials', () => {
  it('go with every question', async () => {
    const seen = new Set<string | undefined>()
    const registryUrl = await serve((request, response) => {
      seen.add(request.headers.authorization)
      answering(404, '{"error_code":40403}')(request, response)
    })
    const registry = connectRegistry({ registryUrl, auth: { username: 'ann', password: 's3cret' } })
    expect(await registry.schemaOf(1)).toBeNull()
    expect(await registry.idOf('subject', schema)).toBeNull()
    expect([...seen]).toEqual([`Basic ${btoa('ann:s3cret')}`])
  })
})
