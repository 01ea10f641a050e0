import { describe, expect, it } from '@jest/globals'
import { defineRoute, toOpenApi } from '@millrace/runtime'
import { z } from 'zod'
import { documentedAnswers, type GivenAnswer } from './documented-answers.ts'

const thing = z.strictObject({ id: z.string(), at: z.iso.datetime() })

const route = defineRoute({
  method: 'get',
  path: '/things/:id',
  operation: 'readThing',
  summary: 'One thing',
  scope: 'streams:read',
  params: z.strictObject({ id: z.string().describe('Of the thing.') }),
  replies: {
    200: { description: 'The thing', schema: thing, lines: thing, headers: { etag: 'Its version.' } },
    204: { description: 'There is nothing to say of it' },
  },
  problems: { 409: { description: 'Not now', members: z.strictObject({ version: z.int() }) } },
  handle: () => ({ status: 204 }),
})

const faultsOf = documentedAnswers(
  toOpenApi({ title: 'Things', version: '1', description: 'For this test', routes: [route] }),
)

const GOOD = { id: 't-1', at: '2026-01-31T00:00:00.000Z' }
const json = 'application/json'
const ndjson = 'application/x-ndjson'

const ALWAYS = {
  'x-request-id': 'r-1',
  ratelimit: '"principal";r=1;t=1',
  'ratelimit-policy': '"principal";q=1;w=1',
}

const answer = (status: number, type: string | undefined, text: string, headers = {}): GivenAnswer => ({
  status,
  text,
  headers: { ...ALWAYS, ...(type === undefined ? {} : { 'content-type': type }), ...headers },
})

const ok = (body: unknown, type = json): GivenAnswer =>
  answer(200, type, JSON.stringify(body), { etag: '"1"' })
const lines = (...values: unknown[]): GivenAnswer =>
  answer(200, ndjson, values.map((value) => `${JSON.stringify(value)}\n`).join(''), { etag: '"1"' })

const problem = (status: number, type: string, more = {}): GivenAnswer =>
  answer(
    status,
    'application/problem+json',
    JSON.stringify({
      type: `https://millrace.dev/problems/${type}`,
      title: 'No',
      detail: 'no',
      instance: 'urn:request:r-1',
      status,
      ...more,
    }),
  )

const get = (given: GivenAnswer, path = '/things/t-1', method = 'GET'): string[] =>
  faultsOf({ method, path }, given)

describe('answers as they are announced', () => {
  it.each([
    ['JSON', ok(GOOD)],
    ['JSON with a parameter', ok(GOOD, 'application/json; charset=utf-8')],
    ['NDJSON', lines(GOOD, GOOD)],
    ['no lines', lines()],
    ['no body', answer(204, undefined, '')],
    ['a problem of the door', problem(400, 'bad-request', { errors: [{ pointer: '/a', detail: 'b' }] })],
    ['a problem of the route', problem(409, 'conflict', { version: 3 })],
  ])('are taken: %s', (_, given) => expect(get(given)).toEqual([]))

  it('are taken for HEAD, without a body', () => {
    expect(get(answer(200, json, '', { etag: '"1"' }), '/things/t-1?a=b', 'HEAD')).toEqual([])
  })

  it('are the refusals of what is not announced at all', () => {
    expect(get(problem(404, 'not-found'), '/nothing')).toEqual([])
    expect(get(problem(405, 'method-not-allowed'), '/things/t-1', 'DELETE')).toEqual([])
    expect(get(problem(401, 'unauthorized'), '/nothing')).toEqual([])
  })
})

describe('what the document does not say', () => {
  it.each([
    ['a status', answer(202, json, '{}'), /^status 202; announced: 200, 204, 400/],
    ['a content type', ok(GOOD, 'text/html'), /^content type text\/html; announced: application\/json/],
    ['no content type', answer(200, undefined, '{}', { etag: '"1"' }), /^content type none/],
    ['a body', answer(204, json, '{}'), /^a body/],
    ['a missing member', ok({ id: 't-1' }), /^\/ must have required property 'at'/],
    ['a member of another type', ok({ ...GOOD, id: 1 }), /^\/id must be string/],
    ['a member of another format', ok({ ...GOOD, at: 'now' }), /^\/at must match format "date-time"/],
    ['an unknown member', ok({ ...GOOD, more: 1 }), /^\/ must NOT have additional properties.*"more"/],
    ['a bad line', lines(GOOD, { ...GOOD, id: 1 }), /^line 2 \/id must be string/],
    ['a missing header', answer(200, json, JSON.stringify(GOOD)), /^no ETag/],
    ['a problem type of another status', problem(400, 'conflict'), /^\/type must be equal to one of/],
    ['an unknown member of a problem', problem(400, 'bad-request', { version: 3 }), /unevaluated.*"version"/],
    ['a missing member of a problem', problem(409, 'conflict'), /required property 'version'/],
  ])('is told: %s', (_, given, fault) => {
    const faults = get(given)
    expect(faults).toEqual([expect.stringMatching(fault)])
  })

  it('is any answer but a refusal where nothing is announced', () => {
    expect(get(ok(GOOD), '/nothing')).toEqual(['status 200, on no announced path and method'])
    expect(get(ok(GOOD), '/things/t-1', 'POST')).toHaveLength(1)
    expect(get(ok(GOOD), '/things/t-1/more')).toHaveLength(1)
    expect(get(answer(404, json, '{}'), '/nothing')).toEqual(['no problem document'])
  })
})
