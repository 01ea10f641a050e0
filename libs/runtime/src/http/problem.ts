import type { Reply } from './route.ts'

/** One fault of the request body or query, at a JSON pointer (RFC 6901). */
export type FieldFault = { readonly pointer: string; readonly detail: string }

/** RFC 9457 problem details; members beyond the standard ones are the problem type's own. */
export type Problem = {
  readonly status: number
  /** Last part of the problem type's URI; the list is docs/errors.md. */
  readonly type: string
  readonly title: string
  readonly detail: string
  readonly errors?: readonly FieldFault[]
  readonly members?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
}

const TYPE_ROOT = 'https://millrace.dev/problems/'

/** Thrown inside the door and by handlers; becomes an `application/problem+json` answer. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

/** `instance` is the request id, which is also in the log line and in X-Request-Id. */
export const problemReply = (problem: Problem, requestId: string): Reply => ({
  status: problem.status,
  headers: { 'content-type': 'application/problem+json', ...problem.headers },
  body: {
    ...problem.members,
    type: `${TYPE_ROOT}${problem.type}`,
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    instance: `urn:request:${requestId}`,
    ...(problem.errors ? { errors: problem.errors } : {}),
  },
})

type Details = Omit<Problem, 'status' | 'type' | 'title' | 'detail'>

const kind =
  (status: number, type: string, title: string) =>
  (detail: string, more: Details = {}): ProblemError =>
    new ProblemError({ status, type, title, detail, ...more })

export const problems = {
  badRequest: kind(400, 'bad-request', 'The request cannot be understood'),
  invalidBody: kind(400, 'invalid-body', 'The body does not fit'),
  unauthorized: kind(401, 'unauthorized', 'Who are you?'),
  forbidden: kind(403, 'forbidden', 'Not allowed'),
  notFound: kind(404, 'not-found', 'Not found'),
  methodNotAllowed: kind(405, 'method-not-allowed', 'Method not allowed'),
  requestTimeout: kind(408, 'request-timeout', 'The request came too slowly'),
  conflict: kind(409, 'conflict', 'Conflict'),
  gone: kind(410, 'gone', 'Gone'),
  preconditionFailed: kind(412, 'precondition-failed', 'Precondition failed'),
  tooLarge: kind(413, 'too-large', 'Too large'),
  unsupportedMediaType: kind(415, 'unsupported-media-type', 'Unsupported media type'),
  expectationFailed: kind(417, 'expectation-failed', 'Expectation failed'),
  invalidEvent: kind(422, 'invalid-event', 'An event does not fit'),
  rejected: kind(422, 'rejected', 'The command was rejected'),
  keyReused: kind(422, 'idempotency-key-reused', 'Idempotency-Key reused'),
  tooManyRequests: kind(429, 'too-many-requests', 'Too many requests'),
  headersTooLarge: kind(431, 'headers-too-large', 'Headers too large'),
  internal: kind(500, 'internal', 'Internal error'),
  unavailable: kind(503, 'unavailable', 'Temporarily unavailable'),
  timeout: kind(504, 'timeout', 'Timed out'),
} as const
