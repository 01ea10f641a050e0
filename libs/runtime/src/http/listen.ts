import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { newId } from '../new-id.ts'
import { PlatformError } from '../platform-error.ts'
import { watchConnections, type Connections } from './connections.ts'
import { problems, type ProblemError } from './problem.ts'
import { problemOfClientError, refuseRequest, refuseSocket } from './refuse-socket.ts'

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

/** What ends before the handler, each told to `refused`. */
const refuseEarly = (server: Server, connections: Connections, refused: (refusal: Refusal) => void): void => {
  const answered = new WeakSet<Socket>()

  const refuse = (socket: Socket, error: ProblemError): void => {
    const { status } = error.problem
    const response = connections.underWay(socket)
    if (response && !response.req.complete) {
      refused({ status })
      // Its turn has not come, or its answer has begun: nothing that is sent now would be understood.
      if (response.socket === null || response.headersSent) socket.destroy()
      else refuseRequest(response, error)
      return
    }
    const requestId = newId()
    refused({ status, requestId })
    // The fault may be in what was sent behind a request that is still being answered.
    if (response) response.once('close', () => refuseSocket(socket, error, requestId))
    else refuseSocket(socket, error, requestId)
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
    if (isGone(error, socket)) return leave(socket)
    refuse(socket, problemOfClientError(error))
  })
  server.on('connect', (_request, socket) => {
    const requestId = newId()
    refused({ status: 405, requestId })
    refuseSocket(socket, problems.methodNotAllowed('this is no proxy', { headers: { allow: '' } }), requestId)
  })
  server.on('drop', () => refused({ status: 503 }))
}

/** What `Expect` asks for is decided by length alone: the rest of the door comes when the body is on its way. */
const answerExpectations = (
  server: Server,
  limits: SocketLimits,
  refused: (refusal: Refusal) => void,
): void => {
  const refuse = (response: ServerResponse, error: ProblemError): void => {
    refused({ status: error.problem.status, requestId: refuseRequest(response, error) })
  }
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (Number(request.headers['content-length'] ?? 0) > limits.maxBodyBytes) {
      refuse(response, problems.tooLarge(`the body may have at most ${limits.maxBodyBytes} bytes`))
      return
    }
    response.writeContinue()
    server.emit('request', request, response)
  })
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) =>
    refuse(response, problems.expectationFailed('only 100-continue can be expected')),
  )
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
  const refused = at.onRefused ?? (() => undefined)
  const server = createLimitedServer(limits)
  const connections = watchConnections(server, limits.answerTimeoutMs)
  refuseEarly(server, connections, refused)
  answerExpectations(server, limits, refused)
  server.on('request', handler)
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
