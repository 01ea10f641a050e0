import { projections, type AnyProjection } from '@millrace/domain'
import {
  defineRoute,
  problems,
  type Call,
  type ReplyRule,
  type Route,
  type TokenSigner,
} from '@millrace/runtime'
import { z } from 'zod'
import { goneProblem, makeCursors, type CursorScope } from '../cursors.ts'
import { cursorParameter, limitParameter } from '../list-query.ts'
import type { ServedBuilds } from '../served-builds.ts'
import { makeExactWhy, type ExactWhyDeps } from '../why/exact-why.ts'
import { whyOf } from '../why/kinds-of-why.ts'
import { makeScanWhy, scanPlace, type ScanWhyDeps } from '../why/scan-why.ts'
import { whyItem } from '../why/story.ts'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'
import { documentParams } from './document-params.ts'
import { operationOf } from './operation-of.ts'

export type WhyDeps = ExactWhyDeps &
  ScanWhyDeps & { readonly builds: ServedBuilds; readonly signer: TokenSigner }

const parameters = z.strictObject({
  field: z
    .string()
    .min(1, 'is empty: leave it out, or name a path such as `total.amount`')
    .max(200)
    .optional()
    .describe('Only events that changed this, with its values before and after: `status`, `total.amount`.'),
  limit: limitParameter('events'),
  cursor: cursorParameter,
})

const answer = z.strictObject({
  build: z.string().describe('The version of the read model that it is about.'),
  items: z.array(whyItem),
  next: z.string().nullable(),
})

const exactAnswer = answer.extend({
  complete: z.boolean().describe('Nothing lies behind this page: these and the pages before are all events.'),
})

const scanAnswer = answer.extend({
  scanned: z.strictObject({
    events: z.int().describe('Events of the log that were looked at, from its beginning, of all tenants.'),
    unreadable: z.int().describe('Of this page, those that nobody can read: they may belong here.'),
    foldedFrom: z
      .enum(['start', 'page'])
      .describe('From where on the partials were folded: what `changed` is told by.'),
    complete: z.boolean().describe('The end of the log was reached.'),
  }),
})

type WhyCall = Call<z.output<typeof documentParams>, z.output<typeof parameters>>

const routeOf = ({ name }: AnyProjection, more: { summary: string; replies: Record<number, ReplyRule> }) => ({
  ...more,
  method: 'get' as const,
  path: `/read-models/${name}/:id/why`,
  operation: operationOf('explain', name),
  scope: 'read-models:read' as const,
  params: documentParams,
  query: parameters,
  headers: conditional,
  problems: {
    400: 'So is a `field` that the document never had; `detail` names those it had.',
    404: 'No event has changed such a document.',
    ...goneProblem,
  },
})

const exactRoute = (projection: AnyProjection, deps: WhyDeps): Route => {
  const why = makeExactWhy(deps)
  const cursors = makeCursors(deps.signer, z.int().min(1))
  return defineRoute({
    ...routeOf(projection, {
      summary: `The events that made a document of ${projection.name}: all of its stream`,
      replies: cacheableReply('A page of events', exactAnswer),
    }),
    handle: async (call) => {
      const scope = scopeOf(projection, call)
      const cursor = cursors.open(scope, call.query.cursor)
      // Not read again after a switch: what it says is of the build that it names.
      const served = await deps.builds.of(projection.name)
      const after = cursor?.placeIn(served.build) ?? 0
      const found = await why(served, { ...questionOf(call), after })
      const { items, end, isFound, fields } = found
      if (!isFound) throw noDocument(projection, call)
      if (end === null) refuseUnknown(call, fields)
      const next = end === null ? null : cursors.next(scope, served.build, end)
      return cacheable(call, { build: served.build, items, next, complete: end === null })
    },
  })
}

const scanRoute = (projection: AnyProjection, deps: WhyDeps): Route => {
  const why = makeScanWhy(deps)
  const cursors = makeCursors(deps.signer, scanPlace)
  return defineRoute({
    ...routeOf(projection, {
      summary: `The events that made a document of ${projection.name}, as far as the log was looked through`,
      replies: cacheableReply('A page of events, which may be empty and have another behind it', scanAnswer),
    }),
    handle: async (call) => {
      const scope = scopeOf(projection, call)
      const cursor = cursors.open(scope, call.query.cursor)
      const served = await deps.builds.of(projection.name)
      const from = cursor?.placeIn(served.build)
      const found = await why(served, { ...questionOf(call), from })
      const { items, end, looked, unreadable, foldedFrom } = found
      const isWhole = end === null && cursor === undefined
      if (isWhole && !found.isFound) throw noDocument(projection, call)
      if (isWhole) refuseUnknown(call, found.fields)
      return cacheable(call, {
        ...{ build: served.build, items, next: end && cursors.next(scope, served.build, end) },
        scanned: { events: looked, unreadable, foldedFrom, complete: end === null },
      })
    },
  })
}

const scopeOf = ({ name }: AnyProjection, { principal, params, query }: WhyCall): CursorScope => ({
  tenant: principal.tenant,
  kind: 'why',
  shape: JSON.stringify([name, params.id, query.field ?? null]),
})

const questionOf = ({ principal: { tenant }, params, query: { field, limit }, signal }: WhyCall) => ({
  ...{ tenant, key: params.id, field, limit, signal },
})

const noDocument = ({ name }: AnyProjection, { params }: WhyCall) =>
  problems.notFound(`no event has changed a document ${JSON.stringify(params.id)} of ${name}`)

const MAX_NAMES = 100

/** When all events were seen, and some were folded: then it is known what there is. */
const refuseUnknown = ({ query: { field } }: WhyCall, fields: ReadonlySet<string>): void => {
  if (field === undefined || fields.size === 0 || fields.has(field)) return
  const names = [...fields].sort().slice(0, MAX_NAMES)
  throw problems.badRequest(
    `field: the stored document has none of this name, and what is computed for an answer has no events of its own; it has ${names.join(', ')}`,
  )
}

export const whyRoutes = (deps: WhyDeps): Route[] =>
  projections.flatMap((projection) => {
    const kind = whyOf(projection)
    if (kind === null) return []
    return [kind === 'exact' ? exactRoute(projection, deps) : scanRoute(projection, deps)]
  })
