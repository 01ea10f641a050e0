import { problems, type ProblemError, type Reply } from '@millrace/runtime'
import type { WriteOutcome } from '../write.ts'

const replayHeader = (replayed: boolean): Record<string, string> =>
  replayed ? { 'idempotent-replayed': 'true' } : {}

/** `preconditionFailed` says no in the words of the precondition's own header. */
export const toReply = (
  outcome: WriteOutcome,
  preconditionFailed: (currentVersion: number) => ProblemError,
): Reply => {
  switch (outcome.type) {
    case 'accepted':
      return {
        status: 200,
        headers: { etag: `"${outcome.body.version}"`, ...replayHeader(outcome.replayed) },
        body: outcome.body,
      }
    case 'rejected':
      throw problems.rejected(`the rules say no: ${outcome.rejection}`, {
        headers: replayHeader(outcome.replayed),
        members: { rejection: outcome.rejection, stream: outcome.stream },
      })
    case 'key-reused':
      throw problems.keyReused(
        'this Idempotency-Key was used for another request; use a new key for a new command',
      )
    case 'still-running':
      throw problems.conflict('the first request with this Idempotency-Key is still running; ask again', {
        headers: { 'retry-after': '1' },
      })
    case 'precondition-failed':
      throw preconditionFailed(outcome.currentVersion)
    case 'conflict':
      throw problems.conflict('others kept changing this aggregate at the same time; try again', {
        members: { currentVersion: outcome.currentVersion },
      })
    case 'events-too-large':
      throw problems.tooLarge(
        `the events would have ${outcome.bytes} bytes with their headers; the limit is 900 KiB`,
      )
    case 'impossible':
      throw problems.invalidEvent(`the aggregate cannot have these events: ${outcome.reason}`, {
        errors: [{ pointer: `/${outcome.index}`, detail: outcome.reason }],
      })
  }
}
