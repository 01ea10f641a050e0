import type { HttpRequest } from '../http-client.ts'
import type { Tokens } from './tokens.ts'

/** What no HTTP client would send: the bytes of a connection. */
export type RawRequest = {
  readonly bytes: string | Buffer
  /** Sent behind them again and again, until the connection ends. */
  readonly endless?: Buffer
}

export type Expected = {
  readonly status: number
  /** Null for one that must not be there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>
  /** In the problem's detail. */
  readonly detail?: RegExp
  /** Of one of the problem's `errors`. */
  readonly pointer?: string
}

export type BadInput = { readonly send: HttpRequest | RawRequest; readonly answer: Expected }

/** By number, as in "37: malformed JSON", where the list of bad inputs has one. */
export type BadInputs = Readonly<Record<string, BadInput>>

/** Where a service is hit. */
export type Target = {
  readonly tokens: Tokens
  /** Answered 200 to whoever holds all scopes. */
  readonly read: { readonly path: string; readonly scope: string }
  /** Takes one JSON object. */
  readonly write?: {
    readonly path: string
    readonly scope: string
    readonly headers: Readonly<Record<string, string>>
    /** A good body. */
    readonly body: string
  }
}

export const MIB = 1024 * 1024

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` })

type Ask = Partial<HttpRequest> & Pick<BadInput, 'answer'>

/** A GET of the target, by one who may, but for what is given. */
export const asking =
  ({ read, tokens }: Target) =>
  ({ answer, headers = {}, ...more }: Ask): BadInput => ({
    send: { path: read.path, ...more, headers: { ...bearer(tokens.good), ...headers } },
    answer,
  })

/** The bytes of a whole request; each line of the head without its end. */
export const bytesOf = (head: readonly string[], body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), Buffer.from(body)])

/** The same requests with a token, where they bring none. */
export const by = (token: string, inputs: BadInputs): BadInputs =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, { send, answer }]) => [
      name,
      'bytes' in send
        ? { send, answer }
        : { send: { ...send, headers: { ...bearer(token), ...send.headers } }, answer },
    ]),
  )

/** What is sent and what is answered, in one. */
export type BadRequest = HttpRequest & Omit<Expected, 'headers'>

export const inputsOf = (requests: Readonly<Record<string, BadRequest>>): BadInputs =>
  Object.fromEntries(
    Object.entries(requests).map(([name, request]) => {
      const { method: _method, path: _path, headers: _headers, body: _body, ...answer } = request
      return [name, { send: request, answer }]
    }),
  )
