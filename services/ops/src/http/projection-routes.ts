import { projections } from '@millrace/domain'
import {
  defineRoute,
  problems,
  PlatformError,
  type ProblemRule,
  type Reply,
  type Route,
} from '@millrace/runtime'
import { z } from 'zod'
import type { Operations } from '../operations.ts'
import type { StartedCheck } from '../order-checks.ts'
import { pointerSchema, projectionSchema, toPointer, toProjection } from './projection-views.ts'

const params = z.strictObject({
  name: z
    .string()
    .max(200)
    .describe(`One of ${projections.map(({ name }) => `\`${name}\``).join(', ')}.`),
})

const nothing = z.strictObject({})
const started = z.strictObject({ name: z.string(), build: z.string() })

const full = z.boolean().default(false).describe('Compare all keys with the log, not a sample of them.')

const inPlace = z
  .boolean()
  .default(false)
  .describe('Readers get it at once, while it grows; in development only.')

const compareBody = z.strictObject({
  full,
  expect: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe('Fields that may differ, and all below them: `total`, `total.amount`.'),
  expectAdded: z
    .boolean()
    .default(false)
    .describe('The new build may have documents that the old one lacks.'),
  expectRemoved: z.boolean().default(false).describe('It may lack documents that the old one has.'),
})

const checkStarted = z.strictObject({
  name: z.string(),
  build: z.string(),
  startedAt: z.iso.datetime().describe('Of the report that the state has from now on.'),
})

const conflict: ProblemRule = {
  description: 'Not now; `detail` says why, and what to do first.',
  optionalHeaders: { 'retry-after': 'Seconds, where it goes by.' },
  members: z.object({
    applied: z.int().optional().describe('Of a build that is not at the end of the log yet.'),
    total: z.int().optional(),
    remaining: z.int().optional(),
  }),
}
const common = { 404: 'There is no such projection.', 409: conflict } as const

/** What the registry refuses is for the operator to read. */
const told = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PlatformError && error.code.startsWith('BUILD_'))
      throw problems.conflict(error.message, error.retryable ? { headers: { 'retry-after': '1' } } : {})
    throw error
  }
}

const WAITING_DEADLINE_MS = 60_000

const reads = (operations: Operations): Route[] => [
  defineRoute({
    method: 'get',
    path: '/projections',
    operation: 'listProjections',
    summary: 'All projections: what is served, what is being built, how far each is',
    scope: 'ops:read',
    replies: {
      200: { description: 'The projections', schema: z.strictObject({ items: z.array(projectionSchema) }) },
    },
    handle: async ({ principal: { tenant } }) => {
      const items = (await operations.list()).map((view) => toProjection(view, tenant))
      return { status: 200, body: { items } }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/projections/:name/state',
    operation: 'readProjection',
    summary: 'One projection, with what its comparisons and verifications have found',
    scope: 'ops:read',
    params,
    replies: { 200: { description: 'The projection', schema: projectionSchema } },
    problems: common,
    handle: async ({ params: { name }, principal: { tenant } }) => ({
      status: 200,
      body: toProjection(await operations.view(name), tenant),
    }),
  }),
]

const registration = (operations: Operations): Route =>
  defineRoute({
    method: 'post',
    path: '/projections',
    operation: 'registerProjection',
    summary: 'Have a projection that the code knows fed, from the beginning of the log',
    scope: 'ops:write',
    body: { schema: z.strictObject({ name: params.shape.name }) },
    replies: { 200: { description: 'What is served', schema: pointerSchema } },
    problems: common,
    handle: async ({ body: { name } }) => ({ status: 200, body: toPointer(await operations.register(name)) }),
  })

const building = (operations: Operations): Route[] => [
  defineRoute({
    method: 'post',
    path: '/projections/:name/rebuild',
    operation: 'rebuildProjection',
    summary: 'Build it anew from the beginning of the log, beside what is served',
    scope: 'ops:write',
    params,
    body: { schema: nothing, whenEmpty: {} },
    replies: { 202: { description: 'It is being built', schema: started } },
    problems: common,
    handle: async ({ params: { name } }) => {
      const { name: build } = await told(() => operations.rebuild(name))
      return { status: 202, body: { name, build } }
    },
  }),
  defineRoute({
    method: 'post',
    path: '/projections/:name/reset',
    operation: 'resetProjection',
    summary: 'Build it anew, and serve that as soon as it is found to be what the log says',
    scope: 'ops:write',
    params,
    body: { schema: z.strictObject({ inPlace }), whenEmpty: {} },
    replies: { 202: { description: 'It is being built', schema: started } },
    problems: common,
    handle: async ({ params: { name }, body }) => {
      const { name: build } = await told(() => operations.reset(name, body.inPlace))
      return { status: 202, body: { name, build } }
    },
  }),
]

const began = (name: string, { build, startedAt }: StartedCheck): Reply => ({
  status: 202,
  body: { name, build: build.name, startedAt: startedAt.toISOString() },
})

const checking = (operations: Operations): Route[] => [
  defineRoute({
    method: 'post',
    path: '/projections/:name/compare',
    operation: 'compareProjection',
    summary: 'Compare what is being built with what is served, and with the log',
    scope: 'ops:write',
    params,
    body: { schema: compareBody, whenEmpty: {} },
    replies: {
      202: { description: 'It is being compared; the state has what is found', schema: checkStarted },
    },
    problems: common,
    handle: async ({ params: { name }, body }) => {
      const expected = { fields: body.expect, isAdding: body.expectAdded, isRemoving: body.expectRemoved }
      return began(name, await operations.compare(name, { expected, isFull: body.full }))
    },
  }),
  defineRoute({
    method: 'post',
    path: '/projections/:name/verify',
    operation: 'verifyProjection',
    summary: 'Compare what is served with the log',
    scope: 'ops:write',
    params,
    body: { schema: z.strictObject({ full }), whenEmpty: {} },
    replies: {
      202: { description: 'It is being verified; the state has what is found', schema: checkStarted },
    },
    problems: common,
    handle: async ({ params: { name }, body }) => began(name, await operations.verify(name, body.full)),
  }),
]

const pointingBody = z.strictObject({
  build: z
    .string()
    .max(50)
    .optional()
    .describe('The one that is meant: another one is a 409, and nothing is done where it is served already.'),
})

type Pointing = { readonly action: 'switch' | 'rollback'; readonly summary: string }

const pointing = (operations: Operations, { action, summary }: Pointing): Route =>
  defineRoute({
    method: 'post',
    path: `/projections/:name/${action}`,
    operation: `${action}Projection`,
    summary,
    scope: 'ops:write',
    deadlineMs: WAITING_DEADLINE_MS,
    params,
    body: { schema: pointingBody, whenEmpty: {} },
    replies: { 200: { description: 'What readers get from now on', schema: pointerSchema } },
    problems: common,
    handle: async ({ params: { name }, body: { build } }) => {
      const act = action === 'switch' ? operations.switchToNext : operations.rollback
      return { status: 200, body: toPointer(await told(() => act(name, build))) }
    },
  })

const pausing = (operations: Operations, action: 'pause' | 'resume'): Route =>
  defineRoute({
    method: 'post',
    path: `/projections/:name/${action}`,
    operation: `${action}Projection`,
    summary: action === 'pause' ? 'Feed none of its builds' : 'Go on feeding its builds',
    scope: 'ops:write',
    params,
    body: { schema: nothing, whenEmpty: {} },
    replies: {
      200: { description: 'Done', schema: z.strictObject({ name: z.string(), isPaused: z.boolean() }) },
    },
    problems: common,
    handle: async ({ params: { name } }) => {
      const isPaused = action === 'pause'
      await operations.setPaused(name, isPaused)
      return { status: 200, body: { name, isPaused } }
    },
  })

const dropping = (operations: Operations): Route =>
  defineRoute({
    method: 'post',
    path: '/projections/:name/drop',
    operation: 'dropBuild',
    summary: 'Delete a build that is not served; there is no way back to it',
    scope: 'ops:write',
    deadlineMs: WAITING_DEADLINE_MS,
    params,
    body: { schema: z.strictObject({ build: z.string().max(50).describe('For example `v1`.') }) },
    replies: {
      200: { description: 'It is gone', schema: started },
      202: { description: 'It goes by itself as soon as no projector feeds it any more', schema: started },
    },
    problems: common,
    handle: async ({ params: { name }, body: { build } }) => {
      const dropped = await told(() => operations.drop(name, build))
      return { status: dropped === 'gone' ? 200 : 202, body: { name, build } }
    },
  })

export const projectionRoutes = (operations: Operations): Route[] => [
  ...reads(operations),
  registration(operations),
  ...building(operations),
  ...checking(operations),
  pointing(operations, { action: 'switch', summary: 'Serve what was built, once it was found equal' }),
  pointing(operations, { action: 'rollback', summary: 'Serve again what was served before' }),
  pausing(operations, 'pause'),
  pausing(operations, 'resume'),
  dropping(operations),
]
