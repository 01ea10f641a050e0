import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PlatformError } from '../platform-error.ts'

export type Listening = {
  readonly url: string
  /** Stops accepting, lets running requests finish, drops idle keep-alive connections. */
  close(): Promise<void>
}

/** Times follow Node's own guard against slow clients: 15 s for a whole request, 10 s for its headers. */
const REQUEST_TIMEOUT_MS = 15_000
const HEADERS_TIMEOUT_MS = 10_000

const closeGently = (server: Server): Promise<void> => {
  const closed = Promise.withResolvers<void>()
  server.close(() => closed.resolve())
  server.closeIdleConnections()
  return closed.promise
}

/** Node keeps a connection that was busy when the server closed for seconds after its answer. */
const endConnectionsWhenClosed = (server: Server): void => {
  server.on('request', (_request, response) => {
    response.on('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections())
    })
  })
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

export const listen = async (
  handler: RequestListener,
  at: { host: string; port: number },
): Promise<Listening> => {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: HEADERS_TIMEOUT_MS },
    handler,
  )
  endConnectionsWhenClosed(server)
  const started = Promise.withResolvers<void>()
  server.once('error', (error) => started.reject(listenError(error, `${at.host}:${at.port}`)))
  server.listen(at.port, at.host, () => started.resolve())
  await started.promise
  const { port } = server.address() as AddressInfo
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return {
    url: `http://${host}:${port}`,
    close: () => closeGently(server),
  }
}
