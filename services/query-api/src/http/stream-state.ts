import { streamIdOf, type AggregateRef, type Aggregates, type PastAggregate } from '@millrace/aggregates'
import { parseStream } from '@millrace/domain'
import { parseQuery, problems, type Call, type Route } from '@millrace/runtime'
import { z } from 'zod'
import { cacheable } from './cacheable.ts'

export type StreamStateDeps = { readonly aggregates: Pick<Aggregates, 'load' | 'loadPast'> }

const parameters = z
  .strictObject({
    version: z
      .string()
      .regex(/^[1-9]\d{0,14}$/, 'must be a version: a whole number, 1 or above')
      .transform(Number)
      .optional(),
    at: z.iso
      .datetime({ offset: true, error: 'must be a time such as 2026-01-31T00:00:00Z' })
      .transform((text) => Date.parse(text))
      .optional(),
  })
  .refine(({ version, at }) => version === undefined || at === undefined, {
    path: ['version'],
    error: 'and at cannot both be given',
  })

type Parameters = z.output<typeof parameters>

const refOf = (call: Call): AggregateRef => {
  const parsed = parseStream(call.params['id'] ?? '')
  if (parsed) return { tenant: call.principal.tenant, ...parsed }
  throw noStream(call)
}

const noStream = (call: Call) =>
  problems.notFound(`there is no stream ${JSON.stringify(call.params['id'] ?? '')}, or there was none yet`)

const find = (
  { aggregates }: StreamStateDeps,
  ref: AggregateRef,
  { version, at }: Parameters,
): Promise<PastAggregate> => {
  if (version !== undefined) return aggregates.loadPast(ref, { version })
  return at === undefined ? aggregates.load(ref) : aggregates.loadPast(ref, { at })
}

/** Folded for this request, from the closest snapshot and the events behind it: what is acknowledged is in it. */
export const streamStateRoute = (deps: StreamStateDeps): Route => ({
  method: 'get',
  path: '/streams/:id/state',
  handle: async (call) => {
    const wanted = parseQuery(parameters, call.query)
    const ref = refOf(call)
    const { version, state } = await find(deps, ref, wanted)
    if (version === 0) throw noStream(call)
    if (version < (wanted.version ?? version))
      throw problems.badRequest(`version: the stream ends at ${version}`, {
        members: { currentVersion: version },
      })
    return cacheable(call, { stream: streamIdOf(ref).stream, version, state })
  },
})
