import express, { type NextFunction, type Request, type Response } from 'express'
import { listen, type Listening } from './http/listen.ts'
import { problemReply, problems, type ProblemError } from './http/problem.ts'
import { sendReply } from './http/send-reply.ts'
import type { Metrics } from './metrics.ts'
import { newId } from './new-id.ts'
import { messageOf } from './platform-error.ts'

export type Health = {
  /** Does the loop make progress? Never asks a dependency: an outage must not restart us. */
  live(): boolean
  /** Per dependency a check that throws when it is missing. */
  readonly ready: Checks
  /** Reported beside them, but not needed for the service to do its work: without them it still is ready. */
  readonly optional?: Checks
}

type Checks = Readonly<Record<string, () => Promise<void> | void>>

const READY_TIMEOUT_MS = 2_000

const checkOne = async (check: () => Promise<void> | void): Promise<string> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`no answer within ${READY_TIMEOUT_MS} ms`)),
    READY_TIMEOUT_MS,
  )
  try {
    await Promise.race([Promise.resolve().then(check), late.promise])
    return 'ok'
  } catch (error) {
    return messageOf(error)
  } finally {
    clearTimeout(timer)
  }
}

const askAll = async (checks: Checks): Promise<Record<string, string>> => {
  const entries = Object.entries(checks).map(async ([name, check]) => [name, await checkOne(check)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

const sendProblem = (response: Response, { problem }: ProblemError): void => {
  const requestId = newId()
  response.setHeader('x-request-id', requestId)
  sendReply(response, problemReply(problem, requestId))
}

/** Tells the reason, as `/readyz` does: nothing here goes into the log. */
// eslint-disable-next-line max-params -- Express knows an error handler by its four parameters
const answerFailure = (error: unknown, _request: Request, response: Response, next: NextFunction): void => {
  if (response.headersSent) next(error)
  else sendProblem(response, problems.internal(messageOf(error)))
}

/** `/livez`, `/readyz` (says which dependency is missing) and `/metrics`, on a port of their own. */
export const startAdminServer = async (options: {
  host: string
  port: number
  metrics: Metrics
  health: () => Health
}): Promise<Listening> => {
  const { metrics, health } = options
  const app = express()
  app.disable('x-powered-by')
  app.get('/livez', (_request, response) => {
    const live = health().live()
    response.status(live ? 200 : 503).json({ live })
  })
  app.get('/readyz', async (_request, response) => {
    const { ready: needed, optional = {} } = health()
    const [checks, extra] = await Promise.all([askAll(needed), askAll(optional)])
    const ready = Object.values(checks).every((answer) => answer === 'ok')
    response.status(ready ? 200 : 503).json({ ready, checks: { ...checks, ...extra } })
  })
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  app.use((_request, response) =>
    sendProblem(response, problems.notFound('there is GET /livez, /readyz and /metrics here')),
  )
  app.use(answerFailure)
  return listen(app, options)
}
