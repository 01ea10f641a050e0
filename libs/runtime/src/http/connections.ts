// The sockets of a server and the requests on each that are not answered yet. A connection has one of them handled at a time,
// as they came: however many it pipelines, it takes one place of those that all connections share. A few more wait their
// turn, what is beyond is refused. And what Node does not do itself: end a connection whose client does not read its answer
// (which would keep it in memory), answer a parser's error in the right place, close without waiting for those who have
// not even asked, and leave a client that still sends the time to read its answer.

import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Turn = {
  readonly response: ServerResponse
  /** Only of one that waits its turn. */
  readonly begin?: () => void
  /** How long the answer was seen to wait for its reader, in all; undefined when it was not. */
  waitedMs: number | undefined
}

export type Connections = {
  /** Calls the handler when all earlier requests of the connection are answered, and not when the connection ends before. */
  inTurn(handler: RequestListener): RequestListener
  /** The latest response of the socket that is not finished; pipelined ones before it may not be either. */
  underWay(socket: Socket): ServerResponse | undefined
  /** The response whose turn it is. */
  first(socket: Socket): ServerResponse | undefined
  /** Whether what still comes belongs to a request that has its answer: it was refused before it was here. */
  isSendingOn(socket: Socket): boolean
  /** Ends what has no request to answer, now and as the others finish; those still sending get `patienceMs`. */
  endIdle(patienceMs: number): void
}

export type ConnectionRules = {
  /** How long an answer may wait for its reader, whether it reads nothing or very slowly. */
  readonly answerTimeoutMs: number
  /** Answers a request that is one too many on its connection; the answer has to end it. */
  readonly refuse: (response: ServerResponse) => void
}

const SWEEP_MS = 1_000

/** How long a client that still sends has time to read its answer before the connection is cut. */
export const LINGER_MS = 500

/** Requests of one connection that may be unanswered: one is handled, the others wait. */
export const MAX_PIPELINED = 8

/** Node reads 64 KiB at a time, thousands of requests, and keeps all of them: nobody honest sends so many to be refused. */
const MAX_UNANSWERED = 64

/** Waits for its reader: complete, or a stream that may not go on. */
const isWaiting = (response: ServerResponse): boolean => response.writableEnded || response.writableNeedDrain

/**
 * Node closes a connection behind its last answer. With bytes of the client unread that resets it, and whoever still sends
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

/** The last request may not be here in full; with others behind the one that is answered, more may be on their way. */
const isSending = (turns: readonly Turn[]): boolean =>
  turns.length > 1 || turns[0]?.response.req.complete === false

type Sweep = { readonly passedMs: number; readonly isClosing: boolean; readonly answerTimeoutMs: number }

/** Each answer has its time from when its turn has come. A byte that is read does not begin it anew. */
const isLate = (turns: readonly Turn[], { passedMs, isClosing, answerTimeoutMs }: Sweep): boolean => {
  const [first] = turns
  if (!first) return false
  if (isWaiting(first.response)) first.waitedMs = first.waitedMs === undefined ? 0 : first.waitedMs + passedMs
  return (
    (first.waitedMs ?? 0) >= answerTimeoutMs || (isClosing && turns.at(-1)?.response.req.complete === false)
  )
}

export const watchConnections = (server: Server, rules: ConnectionRules): Connections => {
  const open = new Map<Socket, Turn[]>()
  const answeredEarly = new WeakMap<Socket, IncomingMessage>()
  let closingUntil = Number.POSITIVE_INFINITY
  let sweptAt = performance.now()

  const sweep = (): void => {
    const now = performance.now()
    const late = { passedMs: now - sweptAt, isClosing: now >= closingUntil, ...rules }
    for (const [socket, turns] of open) if (isLate(turns, late)) socket.destroy()
    sweptAt = now
  }
  const leave = (socket: Socket, turns: Turn[], response: ServerResponse): void => {
    const index = turns.findIndex((turn) => turn.response === response)
    turns.splice(index, 1)
    if (!response.req.complete) answeredEarly.set(socket, response.req)
    // Behind the last answer of a connection nothing is begun that could not be answered.
    if (index === 0 && socket.writable) turns[0]?.begin?.()
    // Node keeps a connection that was busy when the server closed for seconds after its answer.
    if (turns.length === 0 && !server.listening) setImmediate(() => socket.destroySoon())
  }
  const enter = (response: ServerResponse, begin: () => void): void => {
    const { socket } = response.req
    const turns = open.get(socket)
    // Node goes on to the end of what it has read, also when the connection is gone.
    if (!turns || socket.destroyed) return
    const mustWait = turns.length > 0 && turns.length < MAX_PIPELINED
    turns.push({ response, waitedMs: undefined, ...(mustWait ? { begin } : {}) })
    response.once('close', () => leave(socket, turns, response))
    if (turns.length === 1) begin()
    else if (turns.length > MAX_UNANSWERED) socket.destroy()
    else if (!mustWait) rules.refuse(response)
  }

  const timer = setInterval(sweep, Math.min(SWEEP_MS, rules.answerTimeoutMs / 4)).unref()
  server.on('close', () => clearInterval(timer))
  server.on('connection', (socket) => {
    const turns: Turn[] = []
    open.set(socket, turns)
    lingerWhen(socket, () => isSending(turns))
    socket.once('close', () => open.delete(socket))
  })
  return {
    inTurn: (handler) => (request, response) => enter(response, () => handler(request, response)),
    underWay: (socket) => open.get(socket)?.at(-1)?.response,
    first: (socket) => open.get(socket)?.[0]?.response,
    isSendingOn: (socket) => answeredEarly.get(socket)?.complete === false,
    endIdle: (patienceMs) => {
      closingUntil = performance.now() + patienceMs
      for (const [socket, turns] of open) if (turns.length === 0) socket.destroy()
    },
  }
}
