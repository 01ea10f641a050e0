import { connect, type Socket } from 'node:net'
import { createDoor, type DoorOptions } from '../../src/http/door.ts'
import { listen, type Listening } from '../../src/http/listen.ts'
import type { HttpMethod, Reply, Route } from '../../src/http/route.ts'
import { EVERY_SCOPE } from '../../src/identity/principal.ts'
import { createMetrics, type Metrics } from '../../src/metrics.ts'
import { recordingLogger, type LogLine } from '../log-lines.ts'

export const DEVELOPER = { id: 'dev', tenant: 'demo', scopes: EVERY_SCOPE }

export const LIMITS = {
  rate: { perSecond: 5_000, burst: 10_000 },
  load: {
    maxRequests: 2_000,
    maxBodyBytes: 64 * 1024 * 1024,
    ofOne: { maxRequests: 2_000, maxBodyBytes: 64 * 1024 * 1024 },
  },
  deadlineMs: 30_000,
}

export type TestDoor = Listening & { readonly lines: LogLine[]; readonly metrics: Metrics }

/** A door on a free port. */
export const openDoor = async (routes: Route[], more: Partial<DoorOptions> = {}): Promise<TestDoor> => {
  const { logger, lines } = recordingLogger()
  const metrics = createMetrics('test')
  const door = createDoor({
    routes,
    identify: () => DEVELOPER,
    limits: LIMITS,
    isProduction: false,
    logger,
    metrics,
    ...more,
  })
  const listening = await listen(door, { host: '127.0.0.1', port: 0 })
  return { ...listening, lines, metrics }
}

const anything = { operation: 'test', summary: 'Test', scope: null, replies: {} } as const

type Declared = Partial<Omit<Route, 'handle'>>

/** A route that takes whatever `declared` says, and any bytes for a body where it says none. */
export const route = (
  [method, path]: readonly [HttpMethod, string],
  handle: (call: AnyCall) => Promise<Reply> | Reply,
  declared: Declared = {},
): Route => ({ ...anything, method, path, ...declared, handle })

export const post = (
  path: string,
  handle: (call: AnyCall) => Promise<Reply> | Reply,
  declared?: Declared,
): Route => route(['post', path], handle, declared)

export type AnyCall = Parameters<Route['handle']>[0]

export type Raw = {
  readonly socket: Socket
  /** What the server has sent so far. */
  readonly received: () => string
  /** Resolves with everything when the server ends the connection. */
  readonly ended: Promise<string>
}

/** A bare connection, for what no HTTP client would send. */
export const openRaw = async (url: string): Promise<Raw> => {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const connected = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<string>()
  let text = ''
  socket.on('connect', connected.resolve)
  socket.on('data', (chunk) => {
    text += chunk.toString()
  })
  socket.on('error', () => undefined)
  socket.on('close', () => ended.resolve(text))
  await connected.promise
  return { socket, received: () => text, ended: ended.promise }
}
