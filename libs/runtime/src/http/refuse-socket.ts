// Answers for requests that never become one, because Node's parser or its clock refuses them. Node would end them with a
// bare status line; here they get a problem document like every other failure, and then the connection ends, since nobody
// knows where in the bytes the next request would begin.

import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { newId } from '../new-id.ts'
import { LINGER_MS } from './connections.ts'
import { problemReply, problems, type ProblemError } from './problem.ts'
import { securityHeaders } from './security-headers.ts'

const HEADERS = securityHeaders({ production: false })

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

type Message = { readonly status: number; readonly headers: Record<string, string>; readonly body: string }

const messageOf = ({ problem }: ProblemError, requestId: string): Message => {
  const { status, headers, body } = problemReply(problem, requestId)
  const text = JSON.stringify(body)
  return {
    status,
    body: text,
    headers: {
      ...HEADERS,
      'x-request-id': requestId,
      ...headers,
      'content-length': String(Buffer.byteLength(text)),
      connection: 'close',
    },
  }
}

/** Answers a request of which nothing has been answered yet, under the id that it has or a new one, which is returned. */
export const refuseRequest = (response: ServerResponse, error: ProblemError): string => {
  const requestId = String(response.getHeader('x-request-id') ?? newId())
  const { status, headers, body } = messageOf(error, requestId)
  response.writeHead(status, headers).end(body)
  return requestId
}

/**
 * Answers on a socket that belongs to no request. What still comes is read and thrown away for a moment: closing over
 * unread bytes resets the connection, and the client may never see the answer.
 */
export const refuseSocket = (socket: Duplex, error: ProblemError, requestId: string): void => {
  const { status, headers, body } = messageOf(error, requestId)
  const lines = Object.entries({ date: new Date().toUTCString(), ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(timer))
}
