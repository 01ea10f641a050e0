import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { newId } from '../new-id.ts'
import { PlatformError } from '../platform-error.ts'
import { clientsIdOf } from './check-headers.ts'
import { MAX_PIPELINED, watchConnections, type Connections } from './connections.ts'
import { problems, type ProblemError } from './problem.ts'
import { makeRefusals, problemOfClientError, type Refusals } from './refuse-socket.ts'

export type SocketLimits = {
  /** From the first byte of a connection, or of its next request, to the end of the headers, and of the body. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  /** How long a connection without a request is kept; longer than the proxy in front of us keeps it. */
  readonly keepAliveTimeoutMs: number
  /** How long an answer may wait for its reader. */
  readonly answerTimeoutMs: number
  /** More are closed as they come. */
  readonly maxConnections: number
  /** Of a body that is announced with `Expect: 100-continue`: what is larger need not be sent. */
  readonly maxBodyBytes: number
}

export const DEFAULT_SOCKET_LIMITS: SocketLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
  keepAliveTimeoutMs: 65_000,
  answerTimeoutMs: 30_000,
  maxConnections: 10_000,
  maxBodyBytes: 1_048_576,
}

export type Address = {
  readonly host: string
  readonly port: number
  readonly limits?: Partial<SocketLimits>
  /** Of the answers to requests that do not reach the handler: they ask for TLS from now on then. */
  readonly isProduction?: boolean
  /** Told of each request that ended before it reached the handler. */
  readonly onRefused?: (refusal: Refusal) => void
}

/** The status of the answer, and the id in it if nobody else tells of that one. 503: there was no answer. */
export type Refusal = { readonly status: number; readonly requestId?: string }

export type Listening = {
  readonly url: string
  /** Stops accepting, lets running requests finish, drops all other connections. */
  close(): Promise<void>
}

/** Request line and headers together; Node answers above it with 431. */
const MAX_HEADER_BYTES = 16 * 1024

/** Node looks for slow clients this often, so that much later than it should it may be. */
const checkIntervalMs = ({ headersTimeoutMs, requestTimeoutMs }: SocketLimits): number =>
  Math.ceil(Math.min(500, headersTimeoutMs / 10, requestTimeoutMs / 10))

const createLimitedServer = (limits: SocketLimits): Server => {
  const checkMs = checkIntervalMs(limits)
  const server = createServer({
    requestTimeout: limits.requestTimeoutMs - checkMs,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) - checkMs,
    connectionsCheckingInterval: checkMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
    // The door answers for a missing Host itself, with a problem document.
    requireHostHeader: false,
  })
  // Node would drop the ones above its count without a word; the door refuses them.
  server.maxHeadersCount = 0
  server.maxConnections = limits.maxConnections
  return server
}

/** Nobody is there to be answered: the connection is broken, or ended in the middle of a request. */
const isGone = (error: NodeJS.ErrnoException, socket: Socket): boolean =>
  error.code === 'ECONNRESET' || error.code === 'HPE_INVALID_EOF_STATE' || !socket.writable

type Refuse = {
  readonly refusals: Refusals
  readonly refused: (refusal: Refusal) => void
}

const refuseWith =
  ({ refusals, refused }: Refuse, make: () => ProblemError) =>
  (response: ServerResponse): void => {
    const error = make()
    refused({ status: error.problem.status, requestId: refusals.request(response, error) })
  }

const tooManyPipelined = (): ProblemError =>
  problems.tooManyRequests(`a connection may have ${MAX_PIPELINED} requests that are not answered yet`, {
    headers: { 'retry-after': '1' },
  })

/** What ends before the handler, each told to `refused`. */
const refuseEarly = (server: Server, connections: Connections, { refusals, refused }: Refuse): void => {
  const answered = new WeakSet<Socket>()

  const refuse = (socket: Socket, error: ProblemError, requestId = newId()): void => {
    const { status } = error.problem
    const response = connections.underWay(socket)
    if (response && !response.req.complete) {
      refused({ status })
      // Its turn has not come: whoever is before it still gets an answer, the last one.
      const first = connections.first(socket)
      if (first && first !== response) first.prependOnceListener('close', () => socket.destroySoon())
      // Nothing that is sent into an answer that has begun would be understood.
      else if (response.headersSent) socket.destroy()
      else refusals.request(response, error)
      return
    }
    refused({ status, requestId })
    // The fault may be in what was sent behind a request that is still being answered.
    if (response) response.once('close', () => refusals.socket(socket, error, requestId))
    else refusals.socket(socket, error, requestId)
  }

  /** Whoever sent a whole request before is still answered it. */
  const leave = (socket: Socket): void => {
    const response = connections.underWay(socket)
    if (response?.req.complete) response.once('close', () => socket.destroySoon())
    else socket.destroy()
  }

  server.on('clientError', (error: NodeJS.ErrnoException, stream) => {
    const socket = stream as Socket
    if (answered.has(socket)) return
    answered.add(socket)
    if (isGone(error, socket) || connections.isSendingOn(socket)) return leave(socket)
    refuse(socket, problemOfClientError(error))
  })
  server.on('connect', (request, stream) => {
    // Node listens to it no more, and without a listener an error would end the process.
    stream.on('error', () => undefined)
    const error = problems.methodNotAllowed('this is no proxy', { headers: { allow: '' } })
    refuse(stream as Socket, error, clientsIdOf(request))
  })
  server.on('drop', () => refused({ status: 503 }))
}

/** What is too long is not asked for. */
const continueWith =
  (handler: RequestListener, maxBodyBytes: number, refuse: Refuse): RequestListener =>
  (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes) {
      refuseWith(refuse, () => problems.tooLarge(`the body may have at most ${maxBodyBytes} bytes`))(response)
      return
    }
    // Who is refused for another reason need not send either: the door reads the body last.
    request.once('resume', () => {
      if (!response.headersSent) response.writeContinue()
    })
    handler(request, response)
  }

const closeGently = (server: Server, connections: Connections, limits: SocketLimits): Promise<void> => {
  const closed = Promise.withResolvers<void>()
  server.close(() => closed.resolve())
  server.closeIdleConnections()
  // Node's own clock for slow clients stops with the server.
  connections.endIdle(limits.requestTimeoutMs)
  return closed.promise
}

const listenError = (error: NodeJS.ErrnoException, address: string): Error =>
  error.code === 'EADDRINUSE'
    ? new PlatformError({
        code: 'PORT_TAKEN',
        message: `${address} is taken by another process; stop it or set PORT / ADMIN_PORT (0 finds a free one)`,
        retryable: false,
        cause: error,
      })
    : error

export const listen = async (handler: RequestListener, at: Address): Promise<Listening> => {
  const limits = { ...DEFAULT_SOCKET_LIMITS, ...at.limits }
  const refuse: Refuse = {
    refusals: makeRefusals({ production: at.isProduction ?? false }),
    refused: at.onRefused ?? (() => undefined),
  }
  const unexpected = refuseWith(refuse, () => problems.expectationFailed('only 100-continue can be expected'))
  const server = createLimitedServer(limits)
  const connections = watchConnections(server, {
    answerTimeoutMs: limits.answerTimeoutMs,
    refuse: refuseWith(refuse, tooManyPipelined),
  })
  refuseEarly(server, connections, refuse)
  server.on('request', connections.inTurn(handler))
  server.on('checkContinue', connections.inTurn(continueWith(handler, limits.maxBodyBytes, refuse)))
  server.on(
    'checkExpectation',
    connections.inTurn((_request, response) => unexpected(response)),
  )
  const started = Promise.withResolvers<void>()
  server.once('error', (error) => started.reject(listenError(error, `${at.host}:${at.port}`)))
  server.listen(at.port, at.host, () => started.resolve())
  await started.promise
  const { port } = server.address() as AddressInfo
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return {
    url: `http://${host}:${port}`,
    close: () => closeGently(server, connections, limits),
  }
}
