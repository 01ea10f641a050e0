import { categoryOf } from '@millrace/events'
import type { StreamReader } from '@millrace/mongo'
import {
  parseQuery,
  positionTokens,
  problems,
  type Call,
  type ProblemError,
  type Reply,
  type Route,
} from '@millrace/runtime'
import { viewEvents } from './event-view.ts'
import { everything, findCategory, findTypeStream } from './log-scope.ts'
import { PAGE_BYTES, pageReply } from './page-reply.ts'
import { noParameters, streamParameters } from './parameters.ts'
import { makeReadLog, type ReadLogDeps } from './read-log.ts'

export type StreamRoutesDeps = ReadLogDeps & { readonly streams: StreamReader }

/** Reading the event store. Before the route of the commands, which fits all paths of three segments. */
export const streamRoutes = (deps: StreamRoutesDeps): Route[] => {
  const readLog = makeReadLog(deps)
  return [
    {
      method: 'get',
      path: '/streams/:id',
      // One template for both: most clients encode the `$` of a path segment, and no stream is called that.
      handle: (call) => (idOf(call) === '$all' ? readLog(call, everything()) : readStream(deps, call)),
    },
    { method: 'get', path: '/streams/:id/metadata', handle: (call) => describeStream(deps, call) },
    {
      method: 'get',
      path: '/categories/:name',
      handle: (call) => {
        const name = call.params['name'] ?? ''
        const scope = findCategory(name)
        if (!scope) throw problems.notFound(`there is no category ${JSON.stringify(name)}`)
        return readLog(call, scope)
      },
    },
    {
      method: 'get',
      path: '/types/:type',
      handle: (call) => {
        const type = call.params['type'] ?? ''
        const scope = findTypeStream(type)
        if (!scope) throw problems.notFound(`the event store has no events of type ${JSON.stringify(type)}`)
        return readLog(call, scope)
      },
    },
  ]
}

const idOf = (call: Call): string => call.params['id'] ?? ''

const noStream = (call: Call): ProblemError =>
  problems.notFound(`there is no stream ${JSON.stringify(idOf(call))}`)

const readStream = async ({ streams, codec }: StreamRoutesDeps, call: Call): Promise<Reply> => {
  const { from, count, direction } = parseQuery(streamParameters, call.query)
  const page = await streams.read({
    tenant: call.principal.tenant,
    stream: idOf(call),
    direction,
    ...(from === undefined ? {} : { from }),
    limits: { events: count, bytes: PAGE_BYTES },
  })
  if (!page) throw noStream(call)
  return pageReply(call, { events: await viewEvents(codec, page.events), next: page.next })
}

const describeStream = async ({ streams, signer }: StreamRoutesDeps, call: Call): Promise<Reply> => {
  parseQuery(noParameters, call.query)
  const { tenant } = call.principal
  const stream = idOf(call)
  const facts = await streams.facts({ tenant, stream })
  if (!facts) throw noStream(call)
  return {
    status: 200,
    body: {
      stream,
      category: categoryOf(stream),
      version: facts.version,
      firstCommitAt: facts.firstCommitAt.toISOString(),
      lastCommitAt: facts.lastCommitAt.toISOString(),
      lastEventId: facts.lastEventId,
      position: positionTokens(signer).of(tenant, facts.lastCommitId),
    },
  }
}
