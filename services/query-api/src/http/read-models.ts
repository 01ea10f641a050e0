import { findProjection, projections, versionedName, type AnyProjection } from '@millrace/domain'
import type { FoundDocument, ReadModels } from '@millrace/mongo'
import { problems, type Call, type Principal, type Route, type TokenSigner } from '@millrace/runtime'
import { makeCursors, parseList } from '../list-query.ts'
import { cacheable } from './cacheable.ts'

export type ReadModelDeps = {
  readonly readModels: ReadModels
  readonly signer: TokenSigner
  readonly waitForPosition: (
    projection: AnyProjection,
    principal: Principal,
    query: URLSearchParams,
  ) => Promise<void>
}

const MAX_ID_LENGTH = 512
const CONTROL = /\p{Cc}|\p{Cs}|\//u

const projectionOf = (call: Call): AnyProjection => {
  const name = call.params['name'] ?? ''
  const projection = findProjection(name)
  if (projection) return projection
  throw problems.notFound(
    `there is no read model called ${JSON.stringify(name)}; GET /read-models lists them`,
  )
}

const idOf = (call: Call): string => {
  const id = call.params['id'] ?? ''
  if (id.length <= MAX_ID_LENGTH && !CONTROL.test(id)) return id
  throw problems.badRequest('an id has at most 512 characters, no slash and no control character')
}

const checkOneParameters = (query: URLSearchParams): void => {
  const unknown = [...query.keys()].find((name) => name !== 'after' && name !== 'timeout')
  if (unknown !== undefined) throw problems.badRequest(`unknown parameter ${JSON.stringify(unknown)}`)
}

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

const catalogueRoute: Route = {
  method: 'get',
  path: '/read-models',
  handle: (call) => cacheable(call, { items: projections.map(describe) }),
}

const oneRoute = ({ readModels, waitForPosition }: ReadModelDeps): Route => ({
  method: 'get',
  path: '/read-models/:name/:id',
  handle: async (call) => {
    const projection = projectionOf(call)
    const id = idOf(call)
    checkOneParameters(call.query)
    await waitForPosition(projection, call.principal, call.query)
    const { tenant } = call.principal
    const document = await readModels.findOne(versionedName(projection), { tenant, id: `${tenant}/${id}` })
    if (!document) throw problems.notFound(`${projection.name} has no document ${JSON.stringify(id)}`)
    return cacheable(call, document.fields)
  },
})

const listRoute = ({ readModels, signer, waitForPosition }: ReadModelDeps): Route => {
  const cursors = makeCursors(signer)
  return {
    method: 'get',
    path: '/read-models/:name',
    handle: async (call) => {
      const projection = projectionOf(call)
      const { tenant } = call.principal
      const list = parseList(projection, call.query)
      const after = cursors.parse(tenant, list.shape, call.query)
      await waitForPosition(projection, call.principal, call.query)
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
      return cacheable(call, { items: items.map((document) => document.fields), next })
    },
  }
}

export const readModelRoutes = (deps: ReadModelDeps): Route[] => [
  catalogueRoute,
  listRoute(deps),
  oneRoute(deps),
]
