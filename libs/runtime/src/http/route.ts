import type { z } from 'zod'
import type { Principal } from '../identity/principal.ts'
import type { Scope } from '../identity/scopes.ts'

export type HttpMethod = 'get' | 'post' | 'put' | 'delete'

export type MediaType = 'application/json' | 'application/x-ndjson'

/** What a handler sees of a request: no Express, so a handler is tested as a plain function. */
export type Call<Params = unknown, Query = unknown, Headers = unknown, Body = unknown> = {
  readonly requestId: string
  readonly principal: Principal
  /** Path as received, without the query; part of an idempotency fingerprint. */
  readonly path: string
  /** As the route's schemas say; all four are empty where it declares none. */
  readonly params: Params
  readonly query: Query
  readonly headers: Headers
  readonly body: Body
  /** Bytes of the body, at most the door's limit; empty when there is none. */
  readonly rawBody: Buffer
  /** Aborts when the answer comes too late or the client is gone. */
  readonly signal: AbortSignal
  header(name: string): string | undefined
  /** The one of these media types that suits the Accept header best, the first without one; undefined if none does. */
  prefers(types: readonly string[]): string | undefined
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

export type BodyRule<Schema extends z.ZodType = z.ZodType> = {
  readonly schema: Schema
  /** JSON only when absent. The lines of NDJSON are parsed as the items of an array. */
  readonly types?: readonly MediaType[]
  /** A request without a body is parsed as this value. */
  readonly whenEmpty?: unknown
}

/** One answer that is no problem, for the OpenAPI document. */
export type ReplyRule = {
  readonly description: string
  /** Of the JSON body, or of an NDJSON line; none has no body. */
  readonly schema?: z.ZodType
  readonly lines?: z.ZodType
} & HeaderRules

/** A problem of a route's own, for the same document. */
export type ProblemRule = {
  readonly description: string
  /** Beside those that every problem has. */
  readonly members?: z.ZodObject
} & HeaderRules

/** Names in lower case, and what they say. */
export type HeaderRules = {
  /** Every such answer has them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Some have. */
  readonly optionalHeaders?: Readonly<Record<string, string>>
}

type Empty = z.ZodObject<Record<never, never>>

type RouteOf<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Headers extends z.ZodObject,
  Body extends z.ZodType,
> = {
  readonly method: HttpMethod
  /** Express's template, for example `/streams/:id`. */
  readonly path: string
  /** The same path as some clients write it. */
  readonly alias?: string
  /** OpenAPI's operationId; unique in its service. */
  readonly operation: string
  readonly summary: string
  readonly description?: string
  /** What the principal must be allowed to do; null for what everybody who is known may. */
  readonly scope: Scope | null
  /** From the whole request to its answer, where that may take longer than the service's own deadline. */
  readonly deadlineMs?: number
  readonly params?: Params
  readonly query?: Query
  /** Names in lower case. */
  readonly headers?: Headers
  readonly body?: BodyRule<Body>
  readonly replies: Readonly<Record<number, ReplyRule>>
  /** Statuses of its own problems, with the reason; those that every route may answer are the door's. */
  readonly problems?: Readonly<Record<number, string | ProblemRule>>
  // A method, so that routes with different inputs are all routes.
  handle(
    call: Call<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
  ): Promise<Reply> | Reply
}

export type Route = RouteOf<z.ZodObject, z.ZodObject, z.ZodObject, z.ZodType>

/** A route whose schemas both validate its requests at the door and describe it in OpenAPI. */
export const defineRoute = <
  Params extends z.ZodObject = Empty,
  Query extends z.ZodObject = Empty,
  Headers extends z.ZodObject = Empty,
  Body extends z.ZodType = z.ZodUndefined,
>(
  route: RouteOf<Params, Query, Headers, Body>,
): Route => route
