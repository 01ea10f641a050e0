// The door of every HTTP service. A request passes, in this order: an id, the principal (401), the route (404), the
// method (405 with Allow), the body within its limit (413; compressed bodies 415), the handler. Whatever goes
// wrong on the way comes out as application/problem+json, and one log line tells each request's outcome.

import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { newId } from '../new-id.ts'
import { parseJsonBody } from './json-body.ts'
import type { Principal } from './principal.ts'
import { problemReply, problems } from './problem.ts'
import { problemOf } from './problem-of.ts'
import { readBody } from './read-body.ts'
import { logRequests } from './request-log.ts'
import type { Call, HttpMethod, Reply, Route } from './route.ts'

/** Largest request body, in bytes; system limits of the paper: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576

export type DoorOptions = {
  readonly routes: readonly Route[]
  readonly identify: (authorization: string | undefined) => Principal
  readonly logger: Logger
  readonly metrics: Metrics
}

type Locals = { requestId: string; principal: Principal; route?: string; error?: unknown }
type Answer = Response<unknown, Locals>

export const createDoor = ({ routes, identify, logger, metrics }: DoorOptions): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(giveRequestId, logRequests(logger, metrics))
  app.use((request: Request, response: Answer, next: NextFunction) => {
    response.locals.principal = identify(request.get('authorization'))
    next()
  })
  for (const route of routes) app[route.method](route.path, handleWith(route))
  // After all handlers: two templates may fit one path, each with a method of its own.
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    app.all(path, (request: Request) => refuseMethod(request, allowedMethods(group)))
  }
  app.use((request: Request) => {
    throw problems.notFound(`there is nothing at ${request.path}`)
  })
  app.use(answerFailure)
  return app
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/

const giveRequestId = (request: Request, response: Answer, next: NextFunction): void => {
  const given = request.get('x-request-id')
  const requestId = given !== undefined && REQUEST_ID.test(given) ? given : newId()
  response.locals.requestId = requestId
  response.setHeader('x-request-id', requestId)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-store')
  next()
}

const handleWith =
  (route: Route) =>
  async (request: Request, response: Answer): Promise<void> => {
    response.locals.route = route.path
    const rawBody = await readBody(request, MAX_BODY_BYTES)
    send(response, await route.handle(makeCall(request, rawBody, { ...response.locals, route })))
  }

const makeCall = (
  request: Request,
  rawBody: Buffer,
  { requestId, principal, route }: { requestId: string; principal: Principal; route: Route },
): Call => {
  const { path, query } = splitUrl(request.originalUrl)
  let parsed: { value: unknown } | undefined
  return {
    requestId,
    principal,
    method: route.method,
    path,
    template: route.path,
    params: request.params as Record<string, string>,
    query,
    header: (name) => request.get(name),
    prefers: (types) => request.accepts([...types]) || undefined,
    rawBody,
    json: () => (parsed ??= { value: parseJsonBody(rawBody, request.get('content-type')) }).value,
  }
}

const splitUrl = (url: string): { path: string; query: URLSearchParams } => {
  const mark = url.indexOf('?')
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

const send = (response: Response, reply: Reply): void => {
  // Before anything of the reply is set: a value that is no JSON becomes an answer of its own.
  const payload = payloadOf(reply)
  response.status(reply.status)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (payload && !response.hasHeader('content-type')) response.setHeader('content-type', payload.type)
  response.end(payload?.text)
}

const payloadOf = ({ body, lines }: Reply): { type: string; text: string } | undefined => {
  if (lines) {
    return { type: 'application/x-ndjson', text: lines.map((line) => `${JSON.stringify(line)}\n`).join('') }
  }
  return body === undefined ? undefined : { type: 'application/json', text: JSON.stringify(body) }
}

const refuseMethod = (request: Request, allow: string): never => {
  throw problems.methodNotAllowed(`${request.method} is not for this path; use ${allow}`, {
    headers: { allow },
  })
}

const allowedMethods = (group: readonly { method: HttpMethod }[]): string =>
  [
    ...new Set(group.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))),
  ].join(', ')

// eslint-disable-next-line max-params -- Express knows an error handler by its four parameters
const answerFailure = (error: unknown, _request: Request, response: Answer, next: NextFunction): void => {
  response.locals.error = error
  if (response.headersSent) next(error)
  else send(response, problemReply(problemOf(error), response.locals.requestId))
}
