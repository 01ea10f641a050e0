import { categoryOf } from '@millrace/events'
import type { StreamReader } from '@millrace/mongo'
import {
  defineRoute,
  positionTokens,
  problems,
  type Call,
  type ProblemError,
  type Reply,
  type ReplyRule,
  type Route,
} from '@millrace/runtime'
import { z } from 'zod'
import { streamParams } from '../stream-params.ts'
import { eventView, viewEvents } from './event-view.ts'
import { everything, findCategory, findTypeStream } from './log-scope.ts'
import { PAGE_BYTES, pageReply } from './page-reply.ts'
import { logParameters, streamParameters } from './parameters.ts'
import { makeReadLog, type ReadLogDeps } from './read-log.ts'

export type StreamRoutesDeps = ReadLogDeps & { readonly streams: StreamReader }

const pageOf = (next: z.ZodType, more: z.ZodRawShape = {}): ReplyRule => ({
  description: 'A page of events',
  schema: z.strictObject({ events: z.array(eventView), next, ...more }),
  lines: eventView,
  headers: { vary: '`Accept`' },
  optionalHeaders: { link: 'The next page, of NDJSON.', 'caught-up': 'Of NDJSON of a log.' },
})

const streamPage = pageOf(z.int().nullable().describe('`from` of the next page.'))
const logPage = pageOf(z.string().describe('`from` of the next page.'), { caughtUp: z.boolean() })

const streamFacts = z.strictObject({
  stream: z.string(),
  category: z.string(),
  version: z.int(),
  firstCommitAt: z.iso.datetime(),
  lastCommitAt: z.iso.datetime(),
  lastEventId: z.string(),
  position: z.string(),
})

/** What every route over the log has. */
const ofLog = {
  method: 'get',
  scope: 'streams:read',
  query: logParameters,
  replies: { 200: logPage },
} as const

/** Reading the event store. */
export const streamRoutes = (deps: StreamRoutesDeps): Route[] => [
  ...logRoutes(deps),
  ...oneStreamRoutes(deps),
]

const logRoutes = (deps: ReadLogDeps): Route[] => {
  const readLog = makeReadLog(deps)
  return [
    defineRoute({
      ...ofLog,
      path: '/streams/$all',
      // Most clients encode the `$` of a path segment.
      alias: '/streams/%24all',
      operation: 'readAll',
      summary: 'The events of all streams, as they were published',
      handle: (call) => readLog(call, everything()),
    }),
    defineRoute({
      ...ofLog,
      path: '/categories/:name',
      operation: 'readCategory',
      summary: 'The events of all streams of an aggregate type',
      params: z.strictObject({ name: z.string().describe('For example `orders.order`.') }),
      problems: { 404: 'There is no such category.' },
      handle: (call) => {
        const { name } = call.params
        const scope = findCategory(name)
        if (!scope) throw problems.notFound(`there is no category ${JSON.stringify(name)}`)
        return readLog(call, scope)
      },
    }),
    defineRoute({
      ...ofLog,
      path: '/types/:type',
      operation: 'readType',
      summary: 'All events of a type, in whatever form they are stored',
      params: z.strictObject({ type: z.string().describe('For example `OrderPlaced`.') }),
      problems: { 404: 'The event store has no such type.' },
      handle: (call) => {
        const { type } = call.params
        const scope = findTypeStream(type)
        if (!scope) throw problems.notFound(`the event store has no events of type ${JSON.stringify(type)}`)
        return readLog(call, scope)
      },
    }),
  ]
}

/** Behind those of the log, one of which has a name that would fit `:id`. */
const oneStreamRoutes = (deps: StreamRoutesDeps): Route[] => [
  defineRoute({
    method: 'get',
    path: '/streams/:id',
    operation: 'readStream',
    summary: 'The events of one stream',
    scope: 'streams:read',
    params: streamParams,
    query: streamParameters,
    replies: { 200: streamPage },
    problems: { 404: 'There is no such stream.' },
    handle: (call) => readStream(deps, call),
  }),
  defineRoute({
    method: 'get',
    path: '/streams/:id/metadata',
    operation: 'describeStream',
    summary: 'Version, first and last commit of one stream',
    scope: 'streams:read',
    params: streamParams,
    replies: { 200: { description: 'What is known of it', schema: streamFacts } },
    problems: { 404: 'There is no such stream.' },
    handle: (call) => describeStream(deps, call),
  }),
]

type StreamCall<Query = unknown> = Call<z.output<typeof streamParams>, Query>

const noStream = (call: StreamCall): ProblemError =>
  problems.notFound(`there is no stream ${JSON.stringify(call.params.id)}`)

const readStream = async (
  { streams, codec }: StreamRoutesDeps,
  call: StreamCall<z.output<typeof streamParameters>>,
): Promise<Reply> => {
  const { from, count, direction } = call.query
  const page = await streams.read({
    tenant: call.principal.tenant,
    stream: call.params.id,
    direction,
    ...(from === undefined ? {} : { from }),
    limits: { events: count, bytes: PAGE_BYTES },
  })
  if (!page) throw noStream(call)
  return pageReply(call, { events: await viewEvents(codec, page.events), next: page.next })
}

const describeStream = async ({ streams, signer }: StreamRoutesDeps, call: StreamCall): Promise<Reply> => {
  const { tenant } = call.principal
  const stream = call.params.id
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
      position: positionTokens(signer).of(tenant, { commit: facts.lastCommitId }),
    },
  }
}
