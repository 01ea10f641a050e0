// Answers for requests that never become one, because Node's parser or its clock refuses them. Node would end them with a
// bare status line; here they get a problem document like every other failure, and then the connection ends, since nobody
// knows where in the bytes the next request would begin.

import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '../new-id.ts'
import { clientsIdOf } from './check-headers.ts'
import { LINGER_MS } from './connections.ts'
import { problemReply, problems, type ProblemError } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

/** What is wrong with the bytes, by the code of Node's error; the message names what the parser stumbled over. */
export const problemOfClientError = (error: NodeJS.ErrnoException): ProblemError => {
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return problems.headersTooLarge('the request line and the headers may have 16 KiB in all')
  if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return problems.tooLarge('the chunk extensions may have 16 KiB')
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return problems.requestTimeout('the request did not come to its end in time')
  return problems.badRequest(
    `this is not HTTP: ${error.message.replace(/^Parse Error: ?/, '') || 'malformed'}`,
  )
}

export type Refusals = {
  /**
   * Answers a request of which nothing has been answered yet, under the id that it has, the client's own or a new one,
   * which is returned.
   */
  request(response: ServerResponse, error: ProblemError): string
  /**
   * Answers on a socket that belongs to no request. What still comes is read and thrown away for a moment: closing over
   * unread bytes resets the connection, and the client may never see the answer.
   */
  socket(socket: Duplex, error: ProblemError, requestId: string): void
}

type Message = { readonly status: number; readonly headers: Record<string, string>; readonly body: string }

export const makeRefusals = (options: { production: boolean }): Refusals => {
  const always = securityHeaders(options)

  const messageOf = ({ problem }: ProblemError, requestId: string): Message => {
    const { status, headers, body } = problemReply(problem, requestId)
    const text = JSON.stringify(body)
    const length = String(Buffer.byteLength(text))
    const own = { ...headers, 'content-length': length, connection: 'close' }
    return { status, body: text, headers: { ...always, 'x-request-id': requestId, ...own } }
  }
  return {
    request: (response, error) => {
      const requestId = idOf(response)
      const { status, headers, body } = messageOf(error, requestId)
      response.writeHead(status, headers).end(body)
      return requestId
    },
    socket: (socket, error, requestId) => {
      // The answer before was the last one of the connection.
      if (!socket.writable) return
      socket.end(linesOf(messageOf(error, requestId)))
      socket.resume()
      const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
      socket.once('close', () => clearTimeout(timer))
    },
  }
}

const idOf = (response: ServerResponse): string => {
  const known = response.getHeader('x-request-id')
  return typeof known === 'string' ? known : (clientsIdOf(response.req) ?? newId())
}

const linesOf = ({ status, headers, body }: Message): string => {
  const lines = Object.entries({ date: new Date().toUTCString(), ...headers })
  const head = lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n\r\n${body}`
}
