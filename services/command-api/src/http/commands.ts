import { contexts, idField, timeField, type AnyContext } from '@millrace/domain'
import { defineRoute, problems, requireScope, writeScope, type Call, type Route } from '@millrace/runtime'
import { z } from 'zod'
import type { HandleWrite } from '../handle-write.ts'
import type { Precondition, WriteRequest } from '../write.ts'
import { idempotencyKeyField } from './idempotency.ts'
import { ifMatchField, ifNoneMatchField } from './preconditions.ts'
import { originOf } from './origin.ts'
import { conflictProblem, preconditionProblem, refusedProblem } from './write-problems.ts'
import { toReply } from './write-reply.ts'
import { writtenReply } from './written.ts'

/** Keys of all commands count together, whatever the aggregate and command. */
const ROUTE = 'POST /:aggregates/:id/:command'

const params = z.strictObject({ id: idField.describe('Of the aggregate; whoever makes it chooses one.') })
const headers = z.object({
  'idempotency-key': idempotencyKeyField,
  'if-match': ifMatchField.optional(),
  'if-none-match': ifNoneMatchField.optional(),
})

// An offset can lead out of the years that a Kafka header can write: what was acknowledged could never be read.
const occurredAtField = z.iso
  .datetime({ offset: true })
  .regex(/^(?:19[7-9]|[2-9])/, 'must be 1970 or later')
  .transform((text) => Date.parse(text))
  .pipe(timeField)
  .describe('When it happened, for imports; needs the scope `import`.')

const notAtVersion = (currentVersion: number) =>
  problems.preconditionFailed(`the aggregate is at version ${currentVersion}`, {
    headers: { etag: `"${currentVersion}"` },
    members: { currentVersion },
  })

type Body = { readonly occurredAt?: number | undefined }
type CommandCall = Call<z.output<typeof params>, unknown, z.output<typeof headers>, Body>

const preconditionOf = (given: z.output<typeof headers>): Precondition | undefined => {
  const { 'if-match': match, 'if-none-match': noneMatch } = given
  if (match && noneMatch) throw problems.badRequest('send If-Match or If-None-Match, not both')
  return match ?? noneMatch
}

const toRequest = (context: AnyContext, type: string, call: CommandCall): WriteRequest => {
  const { id } = call.params
  const { occurredAt, ...body } = call.body
  if (occurredAt !== undefined) requireScope(call.principal, 'import')
  return {
    context,
    id,
    decide: (state, at) => context.decider.decide(state, { type, id, at, body }),
    ...originOf(call, ROUTE),
    idempotencyKey: call.headers['idempotency-key'],
    precondition: preconditionOf(call.headers),
    occurredAt,
  }
}

const commandRoute = (handle: HandleWrite, context: AnyContext, name: string): Route => {
  const { path, aggregate, rejections } = context
  return defineRoute({
    method: 'post',
    path: `/${path}/:id/${name}`,
    operation: `${name}${capitalised(aggregate)}`,
    summary: `${capitalised(name)} one ${aggregate}`,
    scope: writeScope(context.name),
    params,
    headers,
    // `occurredAt` may stand beside a command's own fields.
    body: { schema: bodyOf(context, name) },
    replies: { 200: writtenReply },
    problems: {
      409: conflictProblem(
        'Others kept changing the aggregate, or the first request under this key is still running.',
      ),
      412: preconditionProblem,
      422: refusedProblem('The rules say no, or the key was used for another request.', rejections),
    },
    handle: async (call) => {
      const outcome = await handle(toRequest(context, name, call))
      // Our fault, not the client's.
      if (outcome.type === 'impossible')
        throw new Error(`a decider made what its fold refuses: ${outcome.reason}`)
      return toReply(outcome, notAtVersion)
    },
  })
}

const capitalised = (word: string): string => `${word[0]?.toUpperCase()}${word.slice(1)}`

const bodyOf = ({ commands }: AnyContext, name: string) => {
  const schema = commands[name]
  if (!schema) throw new Error(`there is no command ${name}`)
  return schema.extend({ occurredAt: occurredAtField.optional() })
}

/** One for each command of each context. */
export const commandRoutes = (handle: HandleWrite): Route[] =>
  contexts.flatMap((context) =>
    Object.keys(context.commands).map((name) => commandRoute(handle, context, name)),
  )
