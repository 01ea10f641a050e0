import { isRetryable } from '../platform-error.ts'
import { problems, ProblemError, type Problem } from './problem.ts'

/** Express's and our own failures as one problem; the unexpected ones tell the client nothing more. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof ProblemError) return error.problem
  if (isRetryable(error)) {
    const detail = 'something this service depends on does not answer; try again'
    return problems.unavailable(detail, { headers: { 'retry-after': '1' } }).problem
  }
  if (isUndecodablePath(error)) return problems.badRequest('the path cannot be decoded').problem
  const detail = 'the request failed on our side; the log has the reason under this instance'
  return problems.internal(detail).problem
}

/** Express throws this itself for a path that is not percent-encoded UTF-8. */
const isUndecodablePath = (error: unknown): boolean =>
  error instanceof URIError && 'status' in error && error.status === 400
