import { findContextByPath, idField, timeField, type AnyContext } from '@millrace/domain'
import { parseAs, problems, type Call, type Route } from '@millrace/runtime'
import { z } from 'zod'
import type { HandleWrite } from '../handle-write.ts'
import type { WriteRequest } from '../write.ts'
import { idempotencyKeyOf } from './idempotency.ts'
import { parseIfMatch } from './if-match.ts'
import { originOf } from './origin.ts'
import { toReply } from './write-reply.ts'

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

const toRequest = (call: Call): WriteRequest => {
  const context = contextOf(call)
  const name = call.params['command'] ?? ''
  const schema = Object.hasOwn(context.commands, name) ? context.commands[name] : undefined
  if (!schema) throw problems.notFound(`${context.path} have no command called ${JSON.stringify(name)}`)
  const id = idOf(call)
  const idempotencyKey = idempotencyKeyOf(call)
  const { body, occurredAt } = takeOccurredAt(call)
  const parsed = parseAs(schema, body)
  return {
    context,
    id,
    decide: (state, at) => context.decider.decide(state, { type: name, id, at, body: parsed }),
    ...originOf(call),
    idempotencyKey,
    precondition: parseIfMatch(call.header('if-match')),
    occurredAt,
  }
}

const notAtVersion = (currentVersion: number) =>
  problems.preconditionFailed(`the aggregate is at version ${currentVersion}`, {
    headers: { etag: `"${currentVersion}"` },
    members: { currentVersion },
  })

export const commandRoute = (handle: HandleWrite): Route => ({
  method: 'post',
  path: '/:aggregates/:id/:command',
  handle: async (call) => {
    const outcome = await handle(toRequest(call))
    // Our fault, not the client's.
    if (outcome.type === 'impossible')
      throw new Error(`a decider made what its fold refuses: ${outcome.reason}`)
    return toReply(outcome, notAtVersion)
  },
})
