import { once } from 'node:events'
import { afterEach, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { closeAll, expectProblem, HOST, raw, send, serve } from './sockets-fixture.ts'

afterEach(closeAll)

const CHUNKED = `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`

describe('what is no HTTP is answered with a problem, and the connection ends', () => {
  it.each([
    [
      'Content-Length and Transfer-Encoding',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'the other way round',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
    ],
    [
      'two equal Content-Lengths',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
    ],
    [
      'two different Content-Lengths',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
    ],
    ['a list of Content-Lengths', `POST / HTTP/1.1\r\n${HOST}Content-Length: 3, 3\r\n\r\nabc`],
    ['a Content-Length with a sign', `POST / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`],
    ['a header that is folded', `GET / HTTP/1.1\r\n${HOST}X-A: b\r\n c\r\n\r\n`],
    [
      'a folded Transfer-Encoding',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n`,
    ],
    ['bare line feeds', `GET / HTTP/1.1\nHost: x\n\n`],
    ['a bare line feed in the headers', `GET / HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n`],
    ['a bare line feed at the end of the headers', `GET / HTTP/1.1\r\nHost: x\r\n\n`],
    ['a bare carriage return', `GET / HTTP/1.1\r\nHost: x\rX-A: b\r\n\r\n`],
    ['a space before a colon', `GET / HTTP/1.1\r\nHost : x\r\n\r\n`],
    ['a bare line feed behind a chunk size', `${CHUNKED}3\nabc\r\n0\r\n\r\n`],
    ['a chunk size with a sign', `${CHUNKED}-1\r\n`],
    ['a chunk size above all bounds', `${CHUNKED}fffffffffffffffff\r\n`],
    ['a length among the trailers', `${CHUNKED}0\r\nContent-Length: 5\r\n\r\n`],
    ['an unknown Transfer-Encoding', `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\nabc`],
    [
      'chunked, and something behind it',
      `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n`,
    ],
    ['an unknown method', `FETCH / HTTP/1.1\r\n${HOST}\r\n`],
    ['a method in small letters', `get / HTTP/1.1\r\n${HOST}\r\n`],
    ['a NUL in a header', `GET / HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n`],
    ['a NUL in the path', `GET /a\0b HTTP/1.1\r\n${HOST}\r\n`],
    ['a space in the path', `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['the start of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ])('%s: 400', async (_, text) => {
    const server = await serve()
    expect(expectProblem(await send(server, text), 400)['detail']).toMatch(/^this is not HTTP: \S/)
    expect(server.refusals).toEqual([400])
  })

  it('asks for TLS from now on in production only', async () => {
    const hsts = /^strict-transport-security: max-age=\d+/im
    expect(await send(await serve(), 'rubbish\r\n\r\n')).not.toMatch(hsts)
    expect(await send(await serve({}, undefined, { isProduction: true }), 'rubbish\r\n\r\n')).toMatch(hsts)
  })

  it('is told of under the id in its answer', async () => {
    const server = await serve()
    const { instance } = expectProblem(await send(server, 'rubbish\r\n\r\n'), 400)
    expect(server.refusedIds.map((id) => `urn:request:${id}`)).toEqual([instance])
  })

  it('headers of 17 KiB: 431; a hundred cookies pass', async () => {
    const server = await serve()
    const large = `GET / HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(17 * 1024)}\r\n\r\n`
    expectProblem(await send(server, large), 431)
    const cookies = Array.from({ length: 100 }, (_, index) => `cookie-${index}=some-value-of-it`).join('; ')
    const passed = `GET / HTTP/1.1\r\n${HOST}Cookie: ${cookies}\r\nConnection: close\r\n\r\n`
    expect(await send(server, passed)).toMatch(/^HTTP\/1\.1 200 /)
    expect(server.refusals).toEqual([431])
  })

  it('a path of 17 KiB: 431', async () => {
    const server = await serve()
    expectProblem(await send(server, `GET /${'a'.repeat(17 * 1024)} HTTP/1.1\r\n${HOST}\r\n`), 431)
  })

  it('chunk extensions without end: 413', async () => {
    const server = await serve()
    expectProblem(await send(server, `${CHUNKED}3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`), 413)
  })

  it('CONNECT: 405', async () => {
    const server = await serve()
    const answer = await send(server, `CONNECT example.org:443 HTTP/1.1\r\n${HOST}\r\n`)
    expectProblem(answer, 405)
    expect(answer).toMatch(/^allow: $/im)
  })

  it('CONNECT behind a request is answered after it', async () => {
    const finish = Promise.withResolvers<void>()
    const server = await serve(
      {},
      (_request, response) => void finish.promise.then(() => response.end('done')),
    )
    const connection = await raw(server)
    connection.socket.write(`GET / HTTP/1.1\r\n${HOST}\r\nCONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`)
    await eventually(
      () => server.refusals,
      (refusals) => refusals.length === 1,
    )
    finish.resolve()
    const [, first, second = ''] = /^(HTTP\/1\.1 200 [^]*?done)([^]*)$/.exec(await connection.ended) ?? []
    expect(first).toBeDefined()
    expectProblem(second, 405)
  })

  it('CONNECT of a client that breaks off does no harm', async () => {
    const server = await serve()
    const connection = await raw(server)
    connection.socket.write(`CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`)
    await once(connection.socket, 'data')
    connection.socket.resetAndDestroy()
    await connection.ended
    const next = await send(server, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    expect(next).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('garbage without end: one answer, and an end', async () => {
    const server = await serve()
    const connection = await raw(server)
    const garbage = Buffer.alloc(64 * 1024, 'garbage ')
    const pump = (): void => {
      while (connection.socket.writable && connection.socket.write(garbage));
    }
    connection.socket.on('drain', pump)
    pump()
    expectProblem(await connection.ended, 400)
    expect(server.refusals).toEqual([400])
  })
})

describe('a fault behind a request that is being answered', () => {
  it('is answered after it', async () => {
    const finish = Promise.withResolvers<void>()
    const server = await serve(
      {},
      (_request, response) => void finish.promise.then(() => response.end('done')),
    )
    const connection = await raw(server)
    connection.socket.write(`GET / HTTP/1.1\r\n${HOST}\r\nrubbish\r\n\r\n`)
    await eventually(
      () => server.refusals,
      (refusals) => refusals.length === 1,
    )
    expect(connection.received()).toBe('')
    finish.resolve()
    const [, first, second = ''] = /^(HTTP\/1\.1 200 [^]*?done)([^]*)$/.exec(await connection.ended) ?? []
    expect(first).toBeDefined()
    expectProblem(second, 400)
  })

  it('in a body whose answer has begun ends the connection', async () => {
    const server = await serve({}, (_request, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('begun')
    })
    const connection = await raw(server)
    connection.socket.write(CHUNKED)
    await once(connection.socket, 'data')
    connection.socket.write('no size\r\n')
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 200 [^]*begun$/)
  })
})

describe('a client that leaves in the middle of a request', () => {
  it('gets no answer to it', async () => {
    const server = await serve()
    const connection = await raw(server)
    connection.socket.end(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`)
    expect(await connection.ended).toBe('')
    expect(server.refusals).toEqual([])
  })

  it('is answered what it asked before', async () => {
    const finish = Promise.withResolvers<void>()
    const entered = Promise.withResolvers<void>()
    const server = await serve({}, (_request, response) => {
      entered.resolve()
      void finish.promise.then(() => response.end('done'))
    })
    const connection = await raw(server)
    connection.socket.end(`GET / HTTP/1.1\r\n${HOST}\r\nGET / HT`)
    await entered.promise
    finish.resolve()
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 200 [^]*done$/)
  })
})

describe('Upgrade', () => {
  it.each(['websocket', 'h2c', 'TLS/1.0'])(
    'to %s is ignored: the answer is that of an ordinary request',
    async (protocol) => {
      const server = await serve()
      const headers = `${HOST}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`
      const connection = await raw(server)
      connection.socket.write(`GET /a HTTP/1.1\r\n${headers}\r\n`)
      await once(connection.socket, 'data')
      expect(connection.received()).toMatch(/^HTTP\/1\.1 200 [^]*GET \/a $/)
    },
  )
})

describe('Expect', () => {
  const expecting = (expectation: string, length: number): string =>
    `POST / HTTP/1.1\r\n${HOST}Expect: ${expectation}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`

  it('100-continue is told to go on, and is answered', async () => {
    const connection = await raw(await serve({ maxBodyBytes: 3 }))
    connection.socket.write(expecting('100-continue', 3))
    await once(connection.socket, 'data')
    expect(connection.received()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    connection.socket.write('abc')
    expect(await connection.ended).toMatch(/100 Continue\r\n\r\nHTTP\/1\.1 200 [^]*POST \/ abc$/)
  })

  it('100-continue is not told to go on when the answer is there without the body', async () => {
    const server = await serve(
      {},
      (_request, response) => void response.writeHead(401, { 'content-length': 3 }).end('who'),
    )
    const connection = await raw(server)
    connection.socket.write(expecting('100-continue', 3))
    await eventually(connection.received, (text) => text.endsWith('who'))
    connection.socket.end('abc')
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 401 [^]*who$/)
  })

  it('100-continue with too large a body: 413, and it need not be sent', async () => {
    const server = await serve({ maxBodyBytes: 3 })
    expectProblem(await send(server, expecting('100-continue', 4)), 413)
    expect(server.refusals).toEqual([413])
  })

  it('of anything else: 417', async () => {
    const server = await serve()
    expectProblem(await send(server, expecting('a-miracle', 4)), 417)
  })

  it('is refused under the id that the client gave, if that is one', async () => {
    const server = await serve({ maxBodyBytes: 3 })
    const under = (id: string, text: string) => text.replace('\r\n\r\n', `\r\nX-Request-Id: ${id}\r\n\r\n`)
    const tooLarge = expectProblem(await send(server, under('mine-1', expecting('100-continue', 4))), 413)
    const unexpected = expectProblem(await send(server, under('mine-2', expecting('a-miracle', 1))), 417)
    const connect = expectProblem(
      await send(server, under('mine-3', `CONNECT a:443 HTTP/1.1\r\n${HOST}\r\n`)),
      405,
    )
    const instances = [tooLarge, unexpected, connect].map(({ instance }) => instance)
    expect(instances).toEqual(['urn:request:mine-1', 'urn:request:mine-2', 'urn:request:mine-3'])
    expect(server.refusedIds).toEqual(['mine-1', 'mine-2', 'mine-3'])
    const other = expectProblem(await send(server, under('no id', expecting('a-miracle', 1))), 417)
    expect(other['instance']).not.toContain('no id')
  })
})

describe('a slow client', () => {
  const limits = { headersTimeoutMs: 200, requestTimeoutMs: 400 }

  it('has one answer when that came before the body', async () => {
    const server = await serve(
      limits,
      (_request, response) => void response.writeHead(401, { 'content-length': 3 }).end('who'),
    )
    const answer = await send(server, `POST / HTTP/1.1\r\n${HOST}Content-Length: 9\r\n\r\n{`)
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*who$/)
    expect(answer).not.toContain('408')
  })
  const begun = [
    ['says nothing', '', limits.headersTimeoutMs],
    ['does not end its headers', `POST / HTTP/1.1\r\n${HOST}`, limits.headersTimeoutMs],
    [
      'does not end its body',
      `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`,
      limits.requestTimeoutMs,
    ],
    ['does not end its chunks', `${CHUNKED}3\r\nabc\r\n`, limits.requestTimeoutMs],
  ] as const

  it.each(begun)('that %s: 408 in time', async (_, text, timeoutMs) => {
    const server = await serve(limits)
    const startedAt = performance.now()
    const answer = await send(server, text)
    expectProblem(answer, 408)
    expect(server.refusals).toEqual([408])
    // Node looks once in half a minute by itself.
    expect(performance.now() - startedAt).toBeLessThan(timeoutMs + 5_000)
  })

  it('that sends a byte now and then is not taken for a quick one', async () => {
    const server = await serve(limits)
    const connection = await raw(server)
    connection.socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 1000\r\n\r\n`)
    const timer = setInterval(() => connection.socket.write('x'), 20)
    try {
      expectProblem(await connection.ended, 408)
    } finally {
      clearInterval(timer)
    }
  })

  it('is answered under the id that its request has already, of which the handler tells', async () => {
    const server = await serve(limits, (_request, response) => response.setHeader('x-request-id', 'r-1'))
    const answer = await send(server, `POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\nabc`)
    expect(expectProblem(answer, 408)['instance']).toBe('urn:request:r-1')
    expect(server.refusedIds).toEqual([undefined])
  })

  it('does not keep quick ones from their answers, two hundred of them either', async () => {
    const server = await serve({ headersTimeoutMs: 60_000, requestTimeoutMs: 60_000 })
    const slow = await Promise.all(Array.from({ length: 200 }, () => raw(server)))
    for (const { socket } of slow) socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\na`)
    const quick = await send(server, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    expect(quick).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('a client that does not read', () => {
  const MANY = 64 * 1_048_576

  it('loses its connection, and we the answer that waits for it', async () => {
    const closed = Promise.withResolvers<boolean>()
    const server = await serve({ answerTimeoutMs: 200 }, (_request, response) => {
      response.on('close', () => closed.resolve(response.writableFinished))
      response.end(Buffer.alloc(MANY))
    })
    const { socket } = await raw(server)
    socket.pause()
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`)
    expect(await closed.promise).toBe(false)
  })

  it('of a stream neither', async () => {
    const closed = Promise.withResolvers<void>()
    const server = await serve({ answerTimeoutMs: 200 }, (_request, response) => {
      response.on('close', () => closed.resolve())
      response.write(Buffer.alloc(MANY))
    })
    const { socket } = await raw(server)
    socket.pause()
    socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`)
    await closed.promise
  })

  it('is also one that reads a stream, but so slowly that it does not come to its end', async () => {
    const closed = Promise.withResolvers<void>()
    const server = await serve({ answerTimeoutMs: 400 }, (_request, response) => {
      const pump = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384)));
      }
      response.on('drain', pump)
      response.on('close', () => closed.resolve())
      pump()
    })
    const { socket } = await raw(server)
    socket.on('data', () => socket.pause())
    const timer = setInterval(() => socket.resume(), 10)
    try {
      socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`)
      await closed.promise
    } finally {
      clearInterval(timer)
    }
  })

  it('is not one whose handler takes its time', async () => {
    const finish = Promise.withResolvers<void>()
    const cut = Promise.withResolvers<void>()
    const server = await serve({ answerTimeoutMs: 200 }, (request, response) => {
      if (request.url === '/slow') {
        response.write('begun ')
        void finish.promise.then(() => response.end('done'))
        return
      }
      response.on('close', cut.resolve)
      response.end(Buffer.alloc(MANY))
    })
    const connection = await raw(server)
    connection.socket.write(`GET /slow HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    await once(connection.socket, 'data')
    const deaf = await raw(server)
    deaf.socket.pause()
    deaf.socket.write(`GET /large HTTP/1.1\r\n${HOST}\r\n`)
    await cut.promise
    finish.resolve()
    expect(await connection.ended).toMatch(/begun [^]*done/)
  })
})

describe('connections', () => {
  it('above the limit are closed', async () => {
    const server = await serve({ maxConnections: 2 })
    const kept = [await raw(server), await raw(server)]
    const third = await raw(server)
    expect(await third.ended).toBe('')
    expect(server.refusals).toEqual([503])
    for (const { socket } of kept) expect(socket.destroyed).toBe(false)
  })

  it('without a request are closed after a while', async () => {
    const server = await serve({ keepAliveTimeoutMs: 100 })
    const connection = await raw(server)
    connection.socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`)
    expect(await connection.ended).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('closing', () => {
  it('does not wait for clients that have not asked yet, nor for ever for those that do not finish asking', async () => {
    const server = await serve({ headersTimeoutMs: 60_000, requestTimeoutMs: 1_000 })
    const silent = await raw(server)
    const halfway = await raw(server)
    halfway.socket.write(`POST / HTTP/1.1\r\n${HOST}`)
    const slow = await raw(server)
    slow.socket.write(`POST / HTTP/1.1\r\n${HOST}Content-Length: 10\r\n\r\na`)
    const answered = await raw(server)
    answered.socket.write(`GET / HTTP/1.1\r\n${HOST}\r\n`)
    await once(answered.socket, 'data')
    await server.close()
    await Promise.all([silent, halfway, slow, answered].map(({ ended }) => ended))
  })
})
