// The sockets of a server and the answer that is under way on each, for what Node does not do itself: end a connection whose
// client does not read its answer (which would keep it in memory), answer a parser's error in the right place, close
// without waiting for those who have not even asked, and leave a client that still sends the time to read its answer.

import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type UnderWay = {
  readonly response: ServerResponse
  /** Since when the answer waits for its reader, and how many bytes had been written then. */
  waitingSince: number | undefined
  bytes: number
}

export type Connections = {
  /** The latest response of the socket that is not finished; pipelined ones before it may not be either. */
  underWay(socket: Socket): ServerResponse | undefined
  /** Ends what has no request to answer, now and as the others finish; those still sending get `patienceMs`. */
  endIdle(patienceMs: number): void
}

const SWEEP_MS = 1_000

/** How long a client that still sends has time to read its answer before the connection is cut. */
export const LINGER_MS = 500

/** Waits for its reader: complete, or a stream that may not go on, and without a byte since the last look. */
const isWaiting = ({ response, bytes }: UnderWay): boolean =>
  response.writableEnded || (response.writableNeedDrain && response.socket?.bytesWritten === bytes)

/**
 * Node closes a connection behind its last answer. With bytes of the request unread that resets it, and whoever still sends
 * never sees the answer: it is only ended then, nothing more is read, and it is cut a moment later.
 */
const lingerWhen = (socket: Socket, isSending: () => boolean): void => {
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    if (!isSending() || socket.destroyed) return destroySoon()
    socket.pause().end()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref()
    socket.once('close', () => clearTimeout(timer))
  }
}

/** `answerTimeoutMs`: how long an answer may wait for its reader, whether it reads nothing or very slowly. */
export const watchConnections = (server: Server, answerTimeoutMs: number): Connections => {
  const open = new Map<Socket, UnderWay | undefined>()
  let closingUntil = Number.POSITIVE_INFINITY

  const isLate = (socket: Socket, entry: UnderWay, now: number): boolean => {
    entry.waitingSince = isWaiting(entry) ? (entry.waitingSince ?? now) : undefined
    entry.bytes = socket.bytesWritten
    return (
      now - (entry.waitingSince ?? now) >= answerTimeoutMs ||
      (now >= closingUntil && !entry.response.req.complete)
    )
  }
  const sweep = (): void => {
    const now = performance.now()
    for (const [socket, entry] of open) if (entry && isLate(socket, entry, now)) socket.destroy()
  }
  const finish = (socket: Socket, response: ServerResponse): void => {
    if (open.get(socket)?.response !== response) return
    open.set(socket, undefined)
    // Node keeps a connection that was busy when the server closed for seconds after its answer.
    if (!server.listening) setImmediate(() => socket.destroySoon())
  }

  const timer = setInterval(sweep, Math.min(SWEEP_MS, answerTimeoutMs / 4)).unref()
  server.on('close', () => clearInterval(timer))
  server.on('connection', (socket) => {
    open.set(socket, undefined)
    lingerWhen(socket, () => open.get(socket)?.response.req.complete === false)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', ({ socket }, response) => {
    open.set(socket, { response, waitingSince: undefined, bytes: 0 })
    response.once('close', () => finish(socket, response))
  })
  return {
    underWay: (socket) => open.get(socket)?.response,
    endIdle: (patienceMs) => {
      closingUntil = performance.now() + patienceMs
      for (const [socket, entry] of open) if (!entry) socket.destroy()
    },
  }
}
