import { projections, type AnyProjection, type Filter } from '@millrace/domain'
import { defineRoute, type Route } from '@millrace/runtime'
import { z } from 'zod'
import { whyOf } from '../why/kinds-of-why.ts'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'

const filter = z.strictObject({
  field: z.string().optional().describe('Of the document; none where the reader’s clock has a say.'),
  operator: z.string(),
  type: z.string(),
  values: z.array(z.string()).optional(),
})

const catalogue = z.strictObject({
  items: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      kind: z.enum(['per-aggregate', 'grouped', 'inline', 'on-demand']),
      sources: z.array(z.string()),
      filters: z.record(z.string(), filter),
      sorts: z.array(z.string()),
      why: z
        .enum(['exact', 'scan'])
        .nullable()
        .describe('Whether `/why` knows all events of a document, or looks for them in the log.'),
      href: z.string().describe('Of its list; where it has none, of a document: a URI template.'),
    }),
  ),
})

const describeFilter = (declared: Filter): z.output<typeof filter> => ({
  ...(declared.operator === 'view' ? {} : { field: declared.field }),
  operator: declared.operator,
  type: declared.type,
  ...(declared.type === 'enum' ? { values: [...declared.values] } : {}),
})

const describe = (projection: AnyProjection): z.output<typeof catalogue>['items'][number] => ({
  name: projection.name,
  version: projection.version,
  kind: projection.kind,
  sources: [...projection.sources],
  filters: Object.fromEntries(
    Object.entries(projection.filters).map(([name, declared]) => [name, describeFilter(declared)]),
  ),
  sorts: Object.keys(projection.sorts),
  why: whyOf(projection),
  href: `/read-models/${projection.name}${projection.kind === 'on-demand' ? '/{id}' : ''}`,
})

export const catalogueRoute = defineRoute({
  method: 'get',
  path: '/read-models',
  operation: 'listReadModels',
  summary: 'Which read models there are, and how their lists may be filtered and sorted',
  scope: 'read-models:read',
  headers: conditional,
  replies: cacheableReply('The read models', catalogue),
  handle: (call) => cacheable(call, { items: projections.map(describe) }),
}) satisfies Route
