import { once } from 'node:events'
import type { RequestListener, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { MAX_PIPELINED } from '../../src/http/connections.ts'
import { closeAll, expectProblem, HOST, raw, serve } from './sockets-fixture.ts'

afterEach(closeAll)

const get = (path: string): string => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`
const gets = (count: number): string => Array.from({ length: count }, (_, index) => get(`/${index}`)).join('')

/** Holds each request until it is told to answer. */
const holding = () => {
  const begun: string[] = []
  const held: ServerResponse[] = []
  const handler: RequestListener = (request, response) => {
    begun.push(request.url ?? '')
    held.push(response)
  }
  const answerNext = (): void => {
    held.shift()?.end('done')
  }
  const untilBegun = (count: number) =>
    eventually(
      () => begun.length,
      (length) => length === count,
    )
  return { handler, begun, answerNext, untilBegun }
}

describe('pipelined requests', () => {
  it('are all answered, in their order, to a client that reads', async () => {
    const server = await serve({}, (request, response) => {
      request.resume().on('end', () => setImmediate(() => response.end(`[${request.url}]`)))
    })
    const connection = await raw(server)
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`)
    let sent = 0
    const bodies = (): string[] => connection.received().match(/\[\/\d+\]/g) ?? []
    // As a client does that keeps a few on the way.
    const fill = (): void => {
      const until = Math.min(paths.length, bodies().length + MAX_PIPELINED)
      for (; sent < until; sent += 1)
        connection.socket.write(
          `POST ${paths[sent]} HTTP/1.1\r\n${HOST}Content-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`,
        )
    }
    connection.socket.on('data', fill)
    fill()
    await eventually(bodies, ({ length }) => length === paths.length)
    expect(bodies()).toEqual(paths.map((path) => `[${path}]`))
    expect(server.refusals).toEqual([])
  })

  it('of a connection are handled one at a time', async () => {
    const { handler, begun, answerNext, untilBegun } = holding()
    const connection = await raw(await serve({}, handler))
    connection.socket.write(gets(3))
    await untilBegun(1)
    const other = await raw(await serve({}, handler))
    other.socket.write(get('/other'))
    await untilBegun(2)
    expect(begun).toEqual(['/0', '/other'])
    answerNext()
    await untilBegun(3)
    expect(begun[2]).toBe('/1')
  })

  it('beyond those that may wait are refused in their turn, and the connection ends', async () => {
    const { handler, begun, answerNext, untilBegun } = holding()
    const server = await serve({}, handler)
    const connection = await raw(server)
    connection.socket.write(gets(MAX_PIPELINED + 2))
    for (let count = 1; count <= MAX_PIPELINED; count += 1) {
      await untilBegun(count)
      answerNext()
    }
    const answers = (await connection.ended).split(/(?=HTTP\/1\.1)/)
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual([
      ...Array.from({ length: MAX_PIPELINED }, () => '200'),
      '429',
    ])
    expectProblem(answers.at(-1) ?? '', 429)
    expect(answers.at(-1)).toMatch(/^retry-after: 1$/im)
    expect(begun).toHaveLength(MAX_PIPELINED)
    expect(server.refusals).toEqual([429, 429])
  })

  it('by the thousand cost the connection at once, before the first is answered', async () => {
    const { handler, begun } = holding()
    const connection = await raw(await serve({}, handler))
    connection.socket.write(gets(1_000))
    expect(await connection.ended).toBe('')
    expect(begun).toEqual(['/0'])
  })

  it('are not begun behind the last answer of the connection', async () => {
    const { handler, begun, answerNext, untilBegun } = holding()
    const server = await serve({}, (request, response) => {
      response.setHeader('connection', 'close')
      handler(request, response)
    })
    const connection = await raw(server)
    connection.socket.write(gets(2))
    await untilBegun(1)
    answerNext()
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 200 [^]*done$/)
    expect(begun).toEqual(['/0'])
  })

  it('are not begun when the client is gone', async () => {
    const { handler, begun, untilBegun } = holding()
    const closed = Promise.withResolvers<void>()
    const server = await serve({}, (request, response) => {
      response.on('close', closed.resolve)
      handler(request, response)
    })
    const connection = await raw(server)
    connection.socket.write(gets(3))
    await untilBegun(1)
    connection.socket.resetAndDestroy()
    await closed.promise
    await server.close()
    expect(begun).toEqual(['/0'])
  })

  it('whose body nobody reads yet do not cost the one before them its answer', async () => {
    const { handler, answerNext, untilBegun } = holding()
    const server = await serve({ requestTimeoutMs: 400, headersTimeoutMs: 400 }, handler)
    const connection = await raw(server)
    const length = 900_000
    connection.socket.write(get('/') + `POST / HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`)
    connection.socket.write('x'.repeat(length))
    await untilBegun(1)
    await eventually(
      () => server.refusals,
      (refusals) => refusals.length === 1,
    )
    answerNext()
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 200 [^]*done$/)
    expect(server.refusals).toEqual([408])
    await untilBegun(1)
  })

  it('that expect to be told to go on are told in their turn', async () => {
    const { handler, answerNext, untilBegun } = holding()
    const reading: RequestListener = (request, response) => {
      handler(request, response)
      request.resume()
    }
    const connection = await raw(await serve({}, reading))
    connection.socket.write(
      get('/') + `POST / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
    )
    await untilBegun(1)
    answerNext()
    await untilBegun(2)
    await eventually(connection.received, (text) => text.endsWith('100 Continue\r\n\r\n'))
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 [^]*doneHTTP\/1\.1 100 Continue/)
  })

  it('whose answers nobody reads cost the connection in time, whole answers as well as streams', async () => {
    const large = Buffer.alloc(8 * 1_048_576)
    const closed: string[] = []
    const server = await serve({ answerTimeoutMs: 200 }, (request, response) => {
      response.on('close', () => closed.push(request.url ?? ''))
      if (request.url === '/stream') response.write(large)
      else response.end(large)
    })
    for (const path of ['/stream', '/whole']) {
      const { socket } = await raw(server)
      socket.pause()
      socket.write(get(path).repeat(5))
    }
    await eventually(
      () => closed.toSorted(),
      (paths) => paths.join(' ') === '/stream /whole',
    )
  })
})

describe('a connection that is kept', () => {
  it('without a request ends in time, also behind pipelined ones', async () => {
    const server = await serve({ keepAliveTimeoutMs: 100 })
    const connection = await raw(server)
    connection.socket.write(gets(3))
    expect((await connection.ended).match(/HTTP\/1\.1 200 /g)).toHaveLength(3)
  })

  it('with half a header ends in time, also behind pipelined requests', async () => {
    const server = await serve({ headersTimeoutMs: 200, requestTimeoutMs: 400 })
    const connection = await raw(server)
    connection.socket.write(`${gets(3)}GET / HT`)
    await once(connection.socket, 'data')
    expect((await connection.ended).match(/HTTP\/1\.1 \d+ /g)?.at(-1)).toBe('HTTP/1.1 408 ')
    expect(server.refusals).toEqual([408])
  })
})
