import { findContextByPath, idField, timeField, type AnyContext } from '@millrace/domain'
import { parseAs, problems, type Call, type Reply, type Route } from '@millrace/runtime'
import { z } from 'zod'
import type { CommandOutcome, CommandRequest } from '../command.ts'
import type { HandleCommand } from '../handle-command.ts'
import { fingerprintOf, idempotencyKeyOf } from './idempotency.ts'
import { parseIfMatch } from './if-match.ts'

const ROUTE = '/:aggregates/:id/:command'

const contextOf = (call: Call): AnyContext => {
  const path = call.params['aggregates'] ?? ''
  const context = findContextByPath(path)
  if (!context) throw problems.notFound(`there are no aggregates called ${JSON.stringify(path)}`)
  return context
}

const idOf = (call: Call): string => {
  const parsed = idField.safeParse(call.params['id'])
  if (parsed.success) return parsed.data
  throw problems.badRequest('an id has 1 to 128 characters of A-Z a-z 0-9 . _ : @ ~ -')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

// An offset can lead out of the years that a Kafka header can write: what was acknowledged could never be read.
const occurredAtField = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .pipe(timeField)

/** `occurredAt` may stand beside a command's own fields, for imports of what happened elsewhere. */
const takeOccurredAt = (call: Call): { body: unknown; occurredAt: number | undefined } => {
  const whole = call.json()
  if (!isObject(whole) || !Object.hasOwn(whole, 'occurredAt')) return { body: whole, occurredAt: undefined }
  if (!call.principal.mayImport) throw problems.forbidden('occurredAt needs the scope import')
  const { occurredAt, ...body } = whole
  const parsed = parseAs(z.object({ occurredAt: occurredAtField }), { occurredAt })
  return { body, occurredAt: parsed.occurredAt }
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** It goes with every event, so one that is malformed, and might be of any size, is dropped. */
const traceparentOf = (call: Call): string | undefined => {
  const given = call.header('traceparent')
  return given !== undefined && TRACEPARENT.test(given) ? given : undefined
}

const toRequest = (call: Call): CommandRequest => {
  const context = contextOf(call)
  const name = call.params['command'] ?? ''
  const schema = Object.hasOwn(context.commands, name) ? context.commands[name] : undefined
  if (!schema) throw problems.notFound(`${context.path} have no command called ${JSON.stringify(name)}`)
  const id = idOf(call)
  const idempotencyKey = idempotencyKeyOf(call)
  const { body, occurredAt } = takeOccurredAt(call)
  return {
    context,
    id,
    name,
    body: parseAs(schema, body),
    tenant: call.principal.tenant,
    principal: call.principal.id,
    route: `POST ${ROUTE}`,
    idempotencyKey,
    fingerprint: fingerprintOf(call),
    precondition: parseIfMatch(call.header('if-match')),
    occurredAt,
    correlationId: call.requestId,
    causationId: call.requestId,
    traceparent: traceparentOf(call),
  }
}

const replayHeader = (replayed: boolean): Record<string, string> =>
  replayed ? { 'idempotent-replayed': 'true' } : {}

const toReply = (outcome: CommandOutcome): Reply => {
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
    case 'precondition-failed':
      throw problems.preconditionFailed(`the aggregate is at version ${outcome.currentVersion}`, {
        headers: { etag: `"${outcome.currentVersion}"` },
        members: { currentVersion: outcome.currentVersion },
      })
    case 'conflict':
      throw problems.conflict('others kept changing this aggregate at the same time; try again', {
        members: { currentVersion: outcome.currentVersion },
      })
    case 'events-too-large':
      throw problems.tooLarge(
        `the events of this command would have ${outcome.bytes} bytes; the limit is 900 KiB`,
      )
  }
}

export const commandRoute = (handle: HandleCommand): Route => ({
  method: 'post',
  path: ROUTE,
  handle: async (call) => toReply(await handle(toRequest(call))),
})
