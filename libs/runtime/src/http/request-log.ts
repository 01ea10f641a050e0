import type { Request, Response } from 'express'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'

/** As nginx counts clients that did not wait for their answer. */
const CLIENT_GONE = 499

/** One log line and one observation for each request, when its answer is out or its client is gone. */
export const logRequests = (logger: Logger, metrics: Metrics) => {
  const durations = metrics.histogram('http_request_duration_seconds', 'Time to answer an HTTP request', [
    'route',
    'method',
    'status',
  ])

  const conclude = (request: Request, response: Response, seconds: number): void => {
    const { requestId, route = 'unknown', error } = response.locals as Record<string, unknown>
    const { method } = request
    const status = response.writableFinished ? response.statusCode : CLIENT_GONE
    durations.observe({ route: String(route), method, status: String(status) }, seconds)
    const fields = { requestId, method, route, status, durationMs: Math.round(seconds * 1000) }
    if (status === 500) logger.error({ ...fields, err: error }, 'request failed')
    else if (status > 500) logger.warn({ ...fields, err: error }, 'request could not be answered')
    else logger.debug(fields, 'request answered')
  }

  return (request: Request, response: Response): void => {
    const startedAt = performance.now()
    response.on('close', () => conclude(request, response, (performance.now() - startedAt) / 1000))
  }
}
