import type { Principal } from './principal.ts'

export type HttpMethod = 'get' | 'post' | 'put' | 'delete'

/** What a handler sees of a request: no Express, so a handler is tested as a plain function. */
export type Call = {
  readonly requestId: string
  readonly principal: Principal
  readonly method: HttpMethod
  /** Path as received, without the query; part of an idempotency fingerprint. */
  readonly path: string
  /** The route's path template, for example `/:aggregates/:id/:command`. */
  readonly template: string
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  header(name: string): string | undefined
  /** The one of these media types that suits the Accept header best, the first without one; undefined if none does. */
  prefers(types: readonly string[]): string | undefined
  /** Raw bytes of the body, at most the door's limit; empty when there is none. */
  readonly rawBody: Buffer
  /** Parsed on first use: 415 unless `application/json`, 400 with the position when malformed. */
  json(): unknown
}

export type Reply = {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
} & (
  | {
      /** Sent as JSON; `undefined` sends no body. */
      readonly body?: unknown
      readonly lines?: never
    }
  | {
      readonly body?: never
      /** Sent as NDJSON, one value a line. */
      readonly lines: readonly unknown[]
    }
)

export type Route = {
  readonly method: HttpMethod
  readonly path: string
  handle(call: Call): Promise<Reply> | Reply
}
