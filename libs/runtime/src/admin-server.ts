import express from 'express'
import { listen, type Listening } from './http/listen.ts'
import type { Metrics } from './metrics.ts'
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
  return listen(app, options)
}
