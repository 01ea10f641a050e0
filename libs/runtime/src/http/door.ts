// The door of every HTTP service. A request passes, in this order: an id, the checks of its headers, the principal (401),
// its tenant and rate (403, 429), the route (404), the method (405 with Allow), the scope (403), path, query and headers
// by the route's schemas (400), the body within its limit (413), its type (415) and its bytes and schema (400), the
// handler within its time (503). Whatever goes wrong on the way comes out as application/problem+json, and one log line
// tells each request's outcome.

import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Identify } from '../identity/identify.ts'
import { refuseForeignTenant, requireScope } from '../identity/authorize.ts'
import type { Principal } from '../identity/principal.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { newId } from '../new-id.ts'
import { problemReply, problems } from './problem.ts'
import { problemOf } from './problem-of.ts'
import { readBody } from './read-body.ts'
import { readBodyAs, readHead } from './read-input.ts'
import { logRequests } from './request-log.ts'
import type { Call, HttpMethod, Route } from './route.ts'
import { sendReply } from './send-reply.ts'

/** Largest request body, in bytes; system limits of the paper: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576

export type DoorOptions = {
  readonly routes: readonly Route[]
  readonly identify: Identify
  readonly logger: Logger
  readonly metrics: Metrics
}

type Locals = { requestId: string; principal: Principal; route?: string; error?: unknown }
type Answer = Response<unknown, Locals>

export const createDoor = ({ routes, identify, logger, metrics }: DoorOptions): Express => {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Parameters are read from the URL itself.
  app.set('query parser', false)
  app.use(giveRequestId, logRequests(logger, metrics), identifyBy(identify))
  for (const route of routes) app[route.method](pathsOf(route), handleWith(route))
  // After all handlers: two templates may fit one path, each with a method of its own.
  for (const group of Map.groupBy(routes, (route) => route.path).values()) {
    app.all(group.flatMap(pathsOf), (request: Request) => refuseMethod(request, allowedMethods(group)))
  }
  app.use((request: Request) => {
    throw problems.notFound(`there is nothing at ${request.path}; GET /openapi.json lists what there is`)
  })
  app.use(answerFailure)
  return app
}

const pathsOf = ({ path, alias }: Route): string[] => (alias === undefined ? [path] : [path, alias])

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

const identifyBy =
  (identify: Identify) =>
  (request: Request, response: Answer, next: NextFunction): void | Promise<void> => {
    const enter = (principal: Principal): void => {
      refuseForeignTenant(request, principal)
      response.locals.principal = principal
      next()
    }
    const found = identify(request, response.locals.requestId)
    // Without a turn of the loop for a token that is known.
    return found instanceof Promise ? found.then(enter) : enter(found)
  }

const handleWith =
  (route: Route) =>
  async (request: Request, response: Answer): Promise<void> => {
    const { requestId, principal } = response.locals
    response.locals.route = route.path
    if (route.scope !== null) requireScope(principal, route.scope)
    const head = readHead(route, request)
    const rawBody = await readBody(request, MAX_BODY_BYTES)
    const body = readBodyAs(route.body, rawBody, request.get('content-type'))
    const call: Call<Record<string, unknown>, Record<string, unknown>, Record<string, unknown>> = {
      requestId,
      principal,
      path: pathOf(request.originalUrl),
      ...head,
      body,
      rawBody,
      header: (name) => request.get(name),
      prefers: (types) => request.accepts([...types]) || undefined,
    }
    sendReply(response, await route.handle(call))
  }

const pathOf = (url: string): string => {
  const mark = url.indexOf('?')
  return mark < 0 ? url : url.slice(0, mark)
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
  else sendReply(response, problemReply(problemOf(error), response.locals.requestId))
}
