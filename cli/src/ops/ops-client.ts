import { Pool, type Dispatcher } from 'undici'
import { backoffMs, messageOf, pause } from '@millrace/runtime'
import type { z } from 'zod'
import { CommandError, EXIT } from '../exit-codes.ts'
import { reasonOf } from '../import/command-client.ts'
import { listSchema, projectionSchema, type Projection } from './ops-views.ts'

export type OpsClient = {
  list(): Promise<Projection[]>
  state(name: string): Promise<Projection>
  /** As `state`, but waits a minute for a service that is away: for whoever watches. */
  stateInTime(name: string): Promise<Projection>
  /** Asked once: what it has begun is in the state. */
  act<Schema extends z.ZodType>(
    name: string,
    action: string,
    ask: { readonly body?: object; readonly schema: Schema },
  ): Promise<z.output<Schema>>
  close(): Promise<void>
}

export type OpsOptions = {
  readonly url: string
  readonly token: string | undefined
  readonly signal: AbortSignal
  readonly onTrouble?: (message: string) => void
}

const GIVE_UP_AFTER_MS = 60_000
const BACKOFF = { firstMs: 250, maxMs: 2_000 }
/** Above the longest that ops takes for an answer. */
const ANSWER_TIMEOUT_MS = 75_000

type Request = { readonly method: 'GET' | 'POST'; readonly path: string; readonly body?: object | undefined }

/** What ops says of its routes, as commands. */
const asCommands = (reason: string): string =>
  reason.replaceAll(/POST \/projections\/([\w-]+)\/(\w+)/g, '`millrace projections $2 $1`')

const faultOf = (status: number, text: string): CommandError => {
  const reason = asCommands(reasonOf(text))
  if (status === 401 || status === 403) {
    const hint = 'set MILLRACE_TOKEN to a token that may (docs/cli.md)'
    return new CommandError(`ops answered ${status}: ${reason}; ${hint}`)
  }
  if (status === 429 || status >= 500)
    return new CommandError(`ops answered ${status}: ${reason}`, EXIT.unavailable)
  return new CommandError(reason, status === 409 ? EXIT.failure : EXIT.usage)
}

export const connectOps = (options: OpsOptions): OpsClient => {
  const { url, token, signal, onTrouble = () => undefined } = options
  const pool = poolFor(url)
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }

  const send = async ({ method, path, body }: Request): Promise<Dispatcher.ResponseData> => {
    const headers = { ...authorization, ...(body ? { 'content-type': 'application/json' } : {}) }
    try {
      return await pool.request({ method, path, headers, body: body ? JSON.stringify(body) : null, signal })
    } catch (error) {
      signal.throwIfAborted()
      const hint = 'start Millrace with `npm start`, or name the service with --url'
      throw new CommandError(`ops at ${url} does not answer (${messageOf(error)}): ${hint}`, EXIT.unavailable)
    }
  }

  const ask = async <Schema extends z.ZodType>(
    request: Request,
    schema: Schema,
  ): Promise<z.output<Schema>> => {
    const { statusCode, body } = await send(request)
    const text = await body.text()
    if (statusCode >= 300) throw faultOf(statusCode, text)
    return parseAs(schema, text, url)
  }

  const state = (name: string): Promise<Projection> =>
    ask({ method: 'GET', path: `/projections/${encodeURIComponent(name)}/state` }, projectionSchema)

  return {
    list: async () => (await ask({ method: 'GET', path: '/projections' }, listSchema)).items,
    state,
    stateInTime: (name) => patiently(() => state(name), { signal, onTrouble }),
    act: (name, action, { body = {}, schema }) => {
      const path = `/projections/${encodeURIComponent(name)}/${action}`
      return ask({ method: 'POST', path, body }, schema)
    },
    close: () => pool.close(),
  }
}

const poolFor = (url: string): Pool => {
  try {
    return new Pool(url, { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS })
  } catch (error) {
    throw new CommandError(
      `${JSON.stringify(url)} is no address of a service: ${messageOf(error)}`,
      EXIT.usage,
    )
  }
}

const parseAs = <Schema extends z.ZodType>(schema: Schema, text: string, url: string): z.output<Schema> => {
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new CommandError(`what answers at ${url} is no ops of this version: ${text.slice(0, 100)}`)
  }
}

const patiently = async <T>(
  read: () => Promise<T>,
  { signal, onTrouble }: { signal: AbortSignal; onTrouble: (message: string) => void },
): Promise<T> => {
  const giveUpAt = performance.now() + GIVE_UP_AFTER_MS
  for (let attempt = 1; ; attempt++) {
    try {
      return await read()
    } catch (error) {
      const isPassing = error instanceof CommandError && error.exitCode === EXIT.unavailable
      if (!isPassing || performance.now() > giveUpAt) throw error
      if (attempt === 1) onTrouble(`${error.message}; trying again for ${GIVE_UP_AFTER_MS / 1000} s`)
      await pause(backoffMs(attempt, BACKOFF), signal)
      signal.throwIfAborted()
    }
  }
}
