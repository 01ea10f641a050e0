import { streamIdOf, type AggregateRef, type Aggregates, type PastAggregate } from '@millrace/aggregates'
import { parseStream, streamField } from '@millrace/domain'
import { defineRoute, problems, wholeNumber, type Call, type Route } from '@millrace/runtime'
import { z } from 'zod'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'

export type StreamStateDeps = { readonly aggregates: Pick<Aggregates, 'load' | 'loadPast'> }

const parameters = z
  .strictObject({
    version: wholeNumber({ min: 1, max: 999_999_999_999_999 })
      .optional()
      .describe('As it was at this version.'),
    at: z.iso
      .datetime({ offset: true, error: 'must be a time such as 2026-01-31T00:00:00Z' })
      .transform((text) => Date.parse(text))
      .optional()
      .describe('As it was at this time; not together with `version`.'),
  })
  .refine(({ version, at }) => version === undefined || at === undefined, {
    path: ['at'],
    error: 'cannot be given together with version',
  })

type Parameters = z.output<typeof parameters>

const params = z.strictObject({ id: streamField })

type StreamCall = Call<z.output<typeof params>>

const refOf = (call: StreamCall): AggregateRef => {
  const parsed = parseStream(call.params.id)
  if (parsed) return { tenant: call.principal.tenant, ...parsed }
  throw noStream(call)
}

const noStream = (call: StreamCall) =>
  problems.notFound(`there is no stream ${JSON.stringify(call.params.id)}, or there was none yet`)

const find = (
  { aggregates }: StreamStateDeps,
  ref: AggregateRef,
  { version, at }: Parameters,
): Promise<PastAggregate> => {
  if (version !== undefined) return aggregates.loadPast(ref, { version })
  return at === undefined ? aggregates.load(ref) : aggregates.loadPast(ref, { at })
}

/** Folded for this request, from the closest snapshot and the events behind it: what is acknowledged is in it. */
export const streamStateRoute = (deps: StreamStateDeps): Route =>
  defineRoute({
    method: 'get',
    path: '/streams/:id/state',
    operation: 'readState',
    summary: 'The state of an aggregate, now or in the past, folded when it is asked for',
    scope: 'streams:read',
    params,
    query: parameters,
    headers: conditional,
    replies: cacheableReply(
      'The state',
      z.strictObject({ stream: z.string(), version: z.int(), state: z.unknown() }),
    ),
    problems: {
      400: {
        description: 'So is a version that the stream does not have.',
        members: z.strictObject({ currentVersion: z.int().optional() }),
      },
      404: 'There is no such stream, or there was none yet.',
    },
    handle: async (call) => {
      const ref = refOf(call)
      const { version, state } = await find(deps, ref, call.query)
      if (version === 0) throw noStream(call)
      if (version < (call.query.version ?? version))
        throw problems.badRequest(`version: the stream ends at ${version}`, {
          members: { currentVersion: version },
        })
      return cacheable(call, { stream: streamIdOf(ref).stream, version, state })
    },
  })
