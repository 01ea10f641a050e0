import { projections, type AnyProjection } from '@millrace/domain'
import { defineRoute, problems, type Route, type TokenSigner } from '@millrace/runtime'
import { z } from 'zod'
import { goneProblem, makeCursors } from '../cursors.ts'
import { listParameters, questionOf, shapeOf } from '../list-query.ts'
import type { ReadDocuments } from '../read-documents.ts'
import { readServed, type ServedBuilds } from '../served-builds.ts'
import {
  freshHeader,
  freshnessOf,
  WAITING_DEADLINE_MS,
  waitParameters,
  type WaitForPosition,
} from '../wait-for-position.ts'
import { lateProblem } from '../waiting/late.ts'
import { cacheable, cacheableReply, conditional } from './cacheable.ts'
import { catalogueRoute } from './catalogue-route.ts'
import { documentParamsOf } from './document-params.ts'
import { operationOf } from './operation-of.ts'
import { whyRoutes, type WhyDeps } from './why-routes.ts'

export type ReadModelDeps = {
  readonly documents: ReadDocuments
  readonly builds: ServedBuilds
  readonly signer: TokenSigner
  readonly waitForPosition: WaitForPosition
  /** UTC ms: what documents show may depend on it. */
  readonly now: () => number
}

const document = z.record(z.string(), z.unknown())
const late = { 504: lateProblem }

const oneRoute = (
  projection: AnyProjection,
  { documents, builds, waitForPosition, now }: ReadModelDeps,
): Route => {
  const { name } = projection
  return defineRoute({
    method: 'get',
    path: `/read-models/${name}/:id`,
    operation: operationOf('read', name),
    summary: `One document of ${name}`,
    scope: 'read-models:read',
    deadlineMs: WAITING_DEADLINE_MS,
    params: documentParamsOf(projection),
    query: z.strictObject(waitParameters),
    headers: conditional,
    replies: cacheableReply('The document', document, freshHeader),
    problems: { 404: 'There is no such document (yet).', ...late },
    handle: async (call) => {
      const { tenant } = call.principal
      const key = call.params.id
      const arrive = waitForPosition(call)
      const found = await readServed(builds, name, async (served) => {
        await arrive(served, key)
        const one = await documents.one(served, { tenant, key, nowMs: now() })
        if (one) return one
        throw problems.notFound(`${name} has no document ${JSON.stringify(key)}`)
      })
      return cacheable(call, found, freshnessOf(call.query))
    },
  })
}

const page = z.strictObject({ items: z.array(document), next: z.string().nullable() })

/** Of the last document of a page: its value in the order of the list, and its `_id` or, of a grouped one, its key. */
const listEnd = z.object({ value: z.union([z.string(), z.number(), z.null()]), id: z.string() })

const listRoute = (
  declared: AnyProjection,
  { documents, builds, signer, waitForPosition, now }: ReadModelDeps,
): Route => {
  const cursors = makeCursors(signer, listEnd)
  const { name } = declared
  return defineRoute({
    method: 'get',
    path: `/read-models/${name}`,
    operation: operationOf('list', name),
    summary: `Documents of ${name}, page by page`,
    scope: 'read-models:read',
    deadlineMs: WAITING_DEADLINE_MS,
    query: listParameters(declared),
    headers: conditional,
    replies: cacheableReply('A page; `next` is the cursor of the one behind it', page, freshHeader),
    problems: { ...goneProblem, ...late },
    handle: async (call) => {
      const { tenant } = call.principal
      const { query } = call
      const scope = { tenant, kind: 'list', shape: shapeOf(declared, query) }
      const cursor = cursors.open(scope, query.cursor)
      const arrive = waitForPosition(call)
      const body = await readServed(builds, name, async (served) => {
        const after = cursor?.placeIn(served.build)
        await arrive(served, null)
        const nowMs = now()
        const question = questionOf({ declared, served: served.projection }, query, nowMs)
        const { items, end } = await documents.page(served, {
          ...{ tenant, question, limit: query.limit, after, nowMs },
        })
        return { items, next: end && cursors.next(scope, served.build, end) }
      })
      return cacheable(call, body, freshnessOf(query))
    },
  })
}

export const readModelRoutes = (deps: ReadModelDeps & WhyDeps): Route[] => [
  catalogueRoute,
  ...projections.filter(({ kind }) => kind !== 'on-demand').map((projection) => listRoute(projection, deps)),
  ...projections.map((projection) => oneRoute(projection, deps)),
  ...whyRoutes(deps),
]
