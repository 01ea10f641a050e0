// The door of every HTTP service. A request passes, in this order: an id, the principal, the route (404), the
// method (405 with Allow), the body within its limit (413; compressed bodies 415), the handler. Whatever goes
// wrong on the way comes out as application/problem+json, and one log line tells each request's outcome.

import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { v7 as newId } from 'uuid'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { isRetryable } from '../platform-error.ts'
import type { Principal } from './identity.ts'
import { parseJsonBody } from './json-body.ts'
import { ProblemError, problemReply, problems } from './problem.ts'
import type { Call, HttpMethod, Reply, Route } from './route.ts'

/** Largest request body, in bytes; system limits of the paper: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576

export type DoorOptions = {
  readonly routes: readonly Route[]
  readonly identify: (authorization: string | undefined) => Principal
  readonly logger: Logger
  readonly metrics: Metrics
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,128}$/
const requestIdOf = (request: Request): string => {
  const given = request.get('x-request-id')
  return given !== undefined && REQUEST_ID.test(given) ? given : newId()
}

const makeCall = (
  request: Request,
  route: Route,
  context: { requestId: string; principal: Principal },
): Call => {
  const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const [path = '/', queryText = ''] = request.originalUrl.split('?', 2)
  let parsed: { value: unknown } | undefined
  return {
    ...context,
    method: route.method,
    path,
    template: route.path,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(queryText),
    header: (name) => request.get(name),
    rawBody,
    json: () => (parsed ??= { value: parseJsonBody(rawBody, request.get('content-type')) }).value,
  }
}

const send = (response: Response, reply: Reply): void => {
  response.status(reply.status)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (reply.body === undefined) {
    response.end()
    return
  }
  if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(reply.body))
}

const statusOf = (error: unknown): number | undefined =>
  typeof error === 'object' && error !== null && 'status' in error && typeof error.status === 'number'
    ? error.status
    : undefined

/** Express, body-parser and our own failures as one problem; the unexpected ones tell the client nothing more. */
const problemOf = (error: unknown): ProblemError => {
  if (error instanceof ProblemError) return error
  if (isRetryable(error)) {
    return problems.unavailable('something this service depends on does not answer; try again', {
      headers: { 'retry-after': '1' },
    })
  }
  const status = statusOf(error)
  if (status === 413)
    return problems.tooLarge(`the body may have at most ${MAX_BODY_BYTES} bytes`, {
      headers: { connection: 'close' },
    })
  if (status === 415) return problems.unsupportedMediaType('compressed bodies are not accepted')
  if (status === 400) return problems.badRequest('the request cannot be decoded')
  return problems.internal('the request failed on our side; the log has the reason under this instance')
}

const routesByPath = (routes: readonly Route[]): Map<string, Route[]> =>
  Map.groupBy(routes, (route) => route.path)

export const createDoor = ({ routes, identify, logger, metrics }: DoorOptions): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const durations = metrics.histogram('http_request_duration_seconds', 'Time to answer an HTTP request', [
    'route',
    'method',
    'status',
  ])
  const readBody = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false })

  app.use((request, response, next) => {
    const requestId = requestIdOf(request)
    const startedAt = performance.now()
    response.locals['requestId'] = requestId
    response.setHeader('x-request-id', requestId)
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    response.on('finish', () => {
      const seconds = (performance.now() - startedAt) / 1000
      const route = String(response.locals['route'] ?? 'unknown')
      const status = response.statusCode
      durations.observe({ route, method: request.method, status: String(status) }, seconds)
      const fields = {
        requestId,
        method: request.method,
        route,
        status,
        durationMs: Math.round(seconds * 1000),
      }
      if (status >= 500) logger.warn({ ...fields, err: response.locals['error'] }, 'request failed')
      else logger.debug(fields, 'request answered')
    })
    next()
  })

  for (const [path, group] of routesByPath(routes)) {
    const here = app.route(path)
    for (const route of group) {
      here[route.method](readBody, async (request: Request, response: Response) => {
        response.locals['route'] = route.path
        const principal = identify(request.get('authorization'))
        const requestId = String(response.locals['requestId'])
        send(response, await route.handle(makeCall(request, route, { requestId, principal })))
      })
    }
    here.all((request: Request) => {
      const allow = allowedMethods(group)
      throw problems.methodNotAllowed(`${request.method} is not for this path; use ${allow}`, {
        headers: { allow },
      })
    })
  }

  app.use((request: Request) => {
    throw problems.notFound(`there is nothing at ${request.path}`)
  })
  app.use((error: unknown, _request: Request, response: Response, next: NextFunction) => {
    response.locals['error'] = error
    if (response.headersSent) return next(error)
    send(response, problemReply(problemOf(error).problem, String(response.locals['requestId'])))
  })
  return app
}

const allowedMethods = (group: readonly { method: HttpMethod }[]): string =>
  [
    ...new Set(group.flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))),
  ].join(', ')
