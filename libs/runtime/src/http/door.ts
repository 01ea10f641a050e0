// The door of every HTTP service. A request passes, in this order: a place among those under way (503), an id, the checks
// of its headers (400, 431), the principal (401) with its tenant and rate (403, 429), the route (404), the method (405
// with Allow), the scope (403), path, query and headers by the route's schemas (400), the body within its limit (413),
// its type (415), its bytes and its schema (400), the handler within its time (504). Whatever goes wrong on the way
// comes out as application/problem+json, and one log line tells each request's outcome.

import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { refuseForeignTenant, requireScope } from '../identity/authorize.ts'
import type { Identify } from '../identity/identify.ts'
import type { Principal } from '../identity/principal.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { newId } from '../new-id.ts'
import type { OpenApiDocument } from '../openapi/document.ts'
import { openApiRoutes } from '../openapi/open-api-routes.ts'
import { checkHeaders, clientsIdOf } from './check-headers.ts'
import { makeDeadlines, type Deadlines } from './deadline.ts'
import type { DoorLimits } from './door-limits.ts'
import { problemReply, problems } from './problem.ts'
import { problemOf } from './problem-of.ts'
import { makeRateLimiter } from './rate-limit.ts'
import { readBody } from './read-body.ts'
import { readBodyAs, readHead } from './read-input.ts'
import { ReceivedCall } from './received-call.ts'
import { logRequests } from './request-log.ts'
import { boundRequestsUnderWay, type Place } from './requests-under-way.ts'
import type { HttpMethod, Route } from './route.ts'
import { makeSecurityHeaders } from './security-headers.ts'
import { sendReply } from './send-reply.ts'

/** Largest request body, in bytes; system limits of the paper: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576

export type DoorOptions = {
  readonly routes: readonly Route[]
  readonly identify: Identify
  readonly limits: Omit<DoorLimits, 'sockets'>
  readonly isProduction: boolean
  readonly logger: Logger
  readonly metrics: Metrics
  /** Served to everybody, with a viewer. */
  readonly document?: OpenApiDocument
}

type Locals = { requestId: string; place: Place; principal: Principal; route?: string; error?: unknown }
type Answer = Response<unknown, Locals>

export const createDoor = (options: DoorOptions): Express => {
  const { routes, document } = options
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // One path for each thing: what is not documented is not there.
  app.enable('case sensitive routing')
  app.enable('strict routing')
  // Parameters are read from the URL itself.
  app.set('query parser', false)
  app.use(receive(options))
  if (document) app.use(openApiRoutes(document, (response) => belongTo(ANYBODY, response)))
  app.use(letIn(options))
  const deadlines = makeDeadlines()
  for (const route of routes) app[route.method](pathsOf(route), handleWith(route, deadlines, options))
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

/** All that needs to know nothing of the caller, in one step: each one more costs Express as much as all of this. */
const receive = ({ isProduction, limits, logger, metrics }: DoorOptions) => {
  const setSecurityHeaders = makeSecurityHeaders({ production: isProduction })
  const logWhenDone = logRequests(logger, metrics)
  const underWay = boundRequestsUnderWay(limits.load)
  return (request: Request, response: Answer, next: NextFunction): void => {
    const requestId = clientsIdOf(request) ?? newId()
    response.locals.requestId = requestId
    response.setHeader('x-request-id', requestId)
    setSecurityHeaders(response)
    logWhenDone(request, response)
    const place = underWay.enter()
    if (!place) throw underWay.overloaded()
    response.locals.place = place
    response.once('close', place.leave)
    const fault = checkHeaders(request)
    if (fault) throw fault
    // A proxy may be asked for another host's pages; we are none.
    if (!request.url.startsWith('/')) throw problems.badRequest('the target of a request is a path here')
    next()
  }
}

const letIn = ({ identify, limits }: DoorOptions) => {
  const rates = makeRateLimiter(limits.rate)
  return (request: Request, response: Answer, next: NextFunction): void | Promise<void> => {
    const enter = (principal: Principal): void => {
      // Gone while its token was verified.
      if (!response.locals.place.isTaken()) return
      response.locals.principal = principal
      const owner = `${principal.tenant}/${principal.id}`
      const rate = rates.take(owner)
      if (!rate.isAllowed) throw rates.problem(rate)
      const { 'ratelimit-policy': policy, ratelimit } = rates.headers(rate)
      response.setHeader('ratelimit-policy', policy)
      response.setHeader('ratelimit', ratelimit)
      refuseForeignTenant(request, principal)
      belongTo(owner, response)
      next()
    }
    const found = identify(request, response.locals.requestId)
    // Without a turn of the loop for a token that is known.
    return found instanceof Promise ? found.then(enter) : enter(found)
  }
}

/** Has no tenant, so it is nobody's name: callers without a token have together what one principal may have. */
const ANYBODY = 'anybody'

const belongTo = (owner: string, response: Response): void => {
  const crowded = (response as Answer).locals.place.belongTo(owner)
  if (crowded) throw crowded
}

const handleWith = (route: Route, deadlines: Deadlines, { limits }: DoorOptions) => {
  const deadlineMs = route.deadlineMs ?? limits.deadlineMs
  return async (request: Request, response: Answer): Promise<void> => {
    const { requestId, principal, place } = response.locals
    response.locals.route = route.path
    if (route.scope !== null) requireScope(principal, route.scope)
    const head = readHead(route, request)
    const rawBody = await readBody(request, MAX_BODY_BYTES, place.hold)
    if (!place.isTaken()) return
    const body = readBodyAs(route.body, rawBody, request.headers['content-type'])
    const deadline = deadlines.start(deadlineMs, (problem) => {
      if (!response.headersSent) sendReply(response, problemReply(problem.problem, requestId))
    })
    response.once('close', () => {
      if (!response.writableFinished) deadline.abandon(new Error('the client is gone'))
    })
    const call = new ReceivedCall(request, deadline, { requestId, principal, ...head, body, rawBody })
    place.stay()
    try {
      const reply = await route.handle(call)
      if (!deadline.hasPassed) sendReply(response, reply)
    } finally {
      deadline.end()
      place.leave()
    }
  }
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
  // The handler was stopped by its deadline, which has answered.
  if (response.writableEnded) return
  if (response.headersSent) next(error)
  else sendReply(response, problemReply(problemOf(error), response.locals.requestId))
}
