import { RegistryRefusedError, RegistryUnavailableError } from './errors.ts'

export type RegistryOptions = {
  /** Root of the Confluent API, for example http://127.0.0.1:8081/apis/ccompat/v7. */
  readonly registryUrl: string
  readonly auth?: { readonly username: string; readonly password: string }
  /** Deadline of one question. */
  readonly timeoutMs?: number
}

export type Answer = { readonly status: 200 | 404; readonly body: unknown }

export const defaultTimeoutMs = 5_000

/**
 * GET, or PUT when there is a body. Only two answers are the registry's own for certain: JSON with status 200, and
 * a 404 with one of its error codes. A gateway's 404 page must not pass for "no such schema".
 */
export const askRegistry = async (
  options: RegistryOptions,
  path: string,
  body?: unknown,
): Promise<Answer> => {
  const { status, text } = await send(options, path, body).catch((cause: unknown) => {
    throw new RegistryUnavailableError(`schema registry: ${path} got no answer`, { cause })
  })
  const answered = parseJson(text)
  if (status === 200 && answered !== undefined) return { status, body: answered }
  if (status === 404 && isRegistryErrorCode(readField(answered, 'error_code')))
    return { status, body: answered }
  const reason = readField(answered, 'message')
  const message = `schema registry: ${path} answered ${status}${typeof reason === 'string' ? `: ${reason}` : ''}`
  throw isRefusalStatus(status) ? new RegistryRefusedError(message) : new RegistryUnavailableError(message)
}

export const isRefusalStatus = (status: unknown): boolean =>
  status === 401 || status === 403 || status === 422

export const readField = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const send = async (
  { registryUrl, auth, timeoutMs = defaultTimeoutMs }: RegistryOptions,
  path: string,
  body: unknown,
): Promise<{ status: number; text: string }> => {
  const response = await fetch(`${registryUrl.replace(/\/+$/, '')}${path}`, {
    method: body === undefined ? 'GET' : 'PUT',
    headers: {
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...(auth === undefined ? {} : { authorization: `Basic ${btoa(`${auth.username}:${auth.password}`)}` }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  })
  return { status: response.status, text: await response.text() }
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// 40401 subject, 40402 version, 40403 schema, 40408 compatibility not found.
const isRegistryErrorCode = (code: unknown): boolean =>
  typeof code === 'number' && code >= 40400 && code < 40500
