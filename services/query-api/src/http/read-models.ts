import { projections, versionedName, type AnyProjection } from '@millrace/domain'
import type { FoundDocument, ReadModels } from '@millrace/mongo'
import { defineRoute, problems, type Route, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import { listParameters, makeCursors, toList } from '../list-query.ts'
import { lateProblem, waitParameters, type WaitingCall, MAX_TIMEOUT_MS } from '../wait-for-position.ts'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'

export type ReadModelDeps = {
  readonly readModels: ReadModels
  readonly signer: TokenSigner
  readonly waitForPosition: (projection: AnyProjection, call: WaitingCall) => Promise<void>
}

/** The longest wait for a position, and time to answer after it. */
const WAITING_DEADLINE_MS = MAX_TIMEOUT_MS + 10_000

const MAX_ID_LENGTH = 512

const documentParams = z.strictObject({
  id: z
    .string()
    .max(MAX_ID_LENGTH)
    .regex(
      // eslint-disable-next-line no-control-regex -- because control characters are what it is about
      /^[^\x00-\x1f\x7f-\x9f/]*$/,
      `must have at most ${MAX_ID_LENGTH} characters, no slash and no control character`,
    )
    .describe('Key of the document.'),
})

const describe = ({ name, version, sources, filters, sorts }: AnyProjection) => ({
  name,
  version,
  sources,
  filters: Object.fromEntries(
    Object.entries(filters).map(([key, { field, operator, type }]) => [key, { field, operator, type }]),
  ),
  sorts: Object.keys(sorts),
  href: `/read-models/${name}`,
})

const catalogue = z.strictObject({
  items: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      sources: z.array(z.string()),
      filters: z.record(
        z.string(),
        z.strictObject({ field: z.string(), operator: z.string(), type: z.string() }),
      ),
      sorts: z.array(z.string()),
      href: z.string(),
    }),
  ),
})

const catalogueRoute = defineRoute({
  method: 'get',
  path: '/read-models',
  operation: 'listReadModels',
  summary: 'Which read models there are, and how their lists may be filtered and sorted',
  scope: 'read-models:read',
  headers: conditional,
  replies: cacheableReply('The read models', catalogue),
  handle: (call) => cacheable(call, { items: projections.map(describe) }),
})

const document = z.record(z.string(), z.unknown())
const late = { 504: lateProblem }

const oneRoute = (projection: AnyProjection, { readModels, waitForPosition }: ReadModelDeps): Route =>
  defineRoute({
    method: 'get',
    path: `/read-models/${projection.name}/:id`,
    operation: operationOf('read', projection),
    summary: `One document of ${projection.name}`,
    scope: 'read-models:read',
    deadlineMs: WAITING_DEADLINE_MS,
    params: documentParams,
    query: z.strictObject(waitParameters),
    headers: conditional,
    replies: cacheableReply('The document', document),
    problems: { 404: 'There is no such document (yet).', ...late },
    handle: async (call) => {
      const { id } = call.params
      await waitForPosition(projection, call)
      const { tenant } = call.principal
      const found = await readModels.findOne(versionedName(projection), { tenant, id: `${tenant}/${id}` })
      if (!found) throw problems.notFound(`${projection.name} has no document ${JSON.stringify(id)}`)
      return cacheable(call, found.fields)
    },
  })

const page = z.strictObject({ items: z.array(document), next: z.string().nullable() })

const listRoute = (
  projection: AnyProjection,
  { readModels, signer, waitForPosition }: ReadModelDeps,
): Route => {
  const cursors = makeCursors(signer)
  return defineRoute({
    method: 'get',
    path: `/read-models/${projection.name}`,
    operation: operationOf('list', projection),
    summary: `Documents of ${projection.name}, page by page`,
    scope: 'read-models:read',
    deadlineMs: WAITING_DEADLINE_MS,
    query: listParameters(projection),
    headers: conditional,
    replies: cacheableReply('A page; `next` is the cursor of the one behind it', page),
    problems: late,
    handle: async (call) => {
      const { tenant } = call.principal
      const list = toList(projection, call.query)
      const after = cursors.parse(tenant, list.shape, call.query.cursor)
      await waitForPosition(projection, call)
      const found = await readModels.list({
        projection: versionedName(projection),
        tenant,
        conditions: list.conditions,
        sort: list.sort,
        // One more than asked for tells whether there is a next page.
        limit: list.limit + 1,
        ...(after ? { after } : {}),
      })
      const items = found.slice(0, list.limit)
      const last: FoundDocument | undefined = found.length > list.limit ? items.at(-1) : undefined
      const next = last ? cursors.next(tenant, list, last) : null
      return cacheable(call, { items: items.map((one) => one.fields), next })
    },
  })
}

/** `list`, `order-summary`: `listOrderSummary`. */
const operationOf = (verb: string, { name }: AnyProjection): string =>
  name.split('-').reduce((operation, part) => `${operation}${part[0]?.toUpperCase()}${part.slice(1)}`, verb)

export const readModelRoutes = (deps: ReadModelDeps): Route[] => [
  catalogueRoute,
  ...projections.flatMap((projection) => [listRoute(projection, deps), oneRoute(projection, deps)]),
]
