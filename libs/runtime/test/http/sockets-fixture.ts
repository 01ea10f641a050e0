import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { expect } from '@jest/globals'
import { listen, type Address, type Listening } from '../../src/http/listen.ts'
import { openRaw, type Raw } from './http-fixture.ts'

const open: Listening[] = []
const sockets: Socket[] = []

/** Ends what the test has opened. */
export const closeAll = async (): Promise<void> => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(open.splice(0).map(({ close }) => close()))
}

export type TestServer = Listening & {
  readonly refusals: number[]
  readonly refusedIds: (string | undefined)[]
}

/** Says what it got: method, target and body. */
const echo: RequestListener = (request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('error', () => undefined)
  request.on('end', () =>
    response.end(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`),
  )
}

/** A server on a free port, without the door. */
export const serve = async (
  limits: Address['limits'] = {},
  handler: RequestListener = echo,
  more: Partial<Address> = {},
): Promise<TestServer> => {
  const refusals: number[] = []
  const refusedIds: (string | undefined)[] = []
  const server = await listen(handler, {
    host: '127.0.0.1',
    port: 0,
    limits,
    ...more,
    onRefused: ({ status, requestId }) => {
      refusals.push(status)
      refusedIds.push(requestId)
    },
  })
  open.push(server)
  return { ...server, refusals, refusedIds }
}

export const raw = async ({ url }: Listening): Promise<Raw> => {
  const connection = await openRaw(url)
  sockets.push(connection.socket)
  return connection
}

export const send = async (server: Listening, text: string): Promise<string> => {
  const connection = await raw(server)
  connection.socket.write(text)
  return connection.ended
}

/** The one answer of a connection, which is a problem document and the end. */
export const expectProblem = (answer: string, status: number): Record<string, unknown> => {
  const [head = '', body = '', ...more] = answer.split('\r\n\r\n')
  expect(head).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(head).toMatch(/^content-type: application\/problem\+json$/im)
  expect(head).toMatch(/^connection: close$/im)
  expect(head).toMatch(/^x-content-type-options: nosniff$/im)
  expect(head).toMatch(new RegExp(`^content-length: ${Buffer.byteLength(body)}$`, 'im'))
  expect(more).toEqual([])
  const problem = JSON.parse(body) as Record<string, unknown>
  expect(problem).toMatchObject({
    status,
    type: expect.stringMatching(/^https:\/\/millrace\.dev\/problems\//),
  })
  const requestId = /^x-request-id: (.*)$/im.exec(head)?.[1]
  expect(problem['instance']).toBe(`urn:request:${requestId}`)
  return problem
}

export const HOST = 'Host: x\r\n'
