import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { isFed, projections } from '@millrace/domain'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { IDENTITY_ENV, signedToken } from '../../../test/support/signed-token.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

const NAME = 'order-summary'
const FED = projections.filter(isFed).map(({ name }) => name)

let servers: TestServers
let service: ServiceProcess
let client: HttpClient
beforeAll(async () => {
  servers = await prepareServers({ name: 'ops-routes' })
  service = await startServiceProcess('ops', servers, { ...IDENTITY_ENV, CHECK_EVERY_MS: '0' })
  client = httpClient(service.url)
})
afterAll(async () => {
  await client.close()
  await service.stop()
  await servers.stop()
})

const bearer = (...scopes: string[]) => ({ authorization: `Bearer ${signedToken(scopes)}` })

const get = (path: string, headers = bearer('ops:read')): Promise<HttpAnswer> =>
  client.send({ path, headers })

const post = (path: string, body?: object, headers = bearer('ops:write')): Promise<HttpAnswer> =>
  client.send({
    method: 'POST',
    path,
    headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })

const act = (action: string, body?: object, name = NAME): Promise<HttpAnswer> =>
  post(`/projections/${name}/${action}`, body)

const expectProblem = async (
  asked: Promise<HttpAnswer>,
  status: number,
  detail: RegExp,
): Promise<HttpAnswer> => {
  const answer = await asked
  expect([answer.status, answer.json()['detail']]).toEqual([status, expect.stringMatching(detail)])
  return answer
}

type State = { readonly [member: string]: unknown; readonly builds: readonly Record<string, unknown>[] }

const stateOf = async (name = NAME): Promise<State> =>
  (await get(`/projections/${name}/state`)).json() as unknown as State

// In order: from a store that nothing has happened in.
describe('the routes of ops', () => {
  it('list what is set up, before anything was written', async () => {
    const { status, ...answer } = await get('/projections')
    const items = answer.json()['items'] as State[]
    expect([status, items.map(({ name }) => name)]).toEqual([200, FED.toSorted()])
    expect(items.find(({ name }) => name === 'processes')).toMatchObject({ isVerifiable: false })
  })

  it('show one, with partitions that nobody has begun', async () => {
    expect(await stateOf()).toMatchObject({
      ...{ name: NAME, kind: 'per-aggregate', version: 'v1', isPaused: false, isVerifiable: true },
      ...{ served: 'v1', previous: null, switchingTo: null },
      builds: [
        {
          ...{ name: 'v1', role: 'served', isToBeServed: false },
          progress: { applied: 0, isCaughtUp: false, parked: 0, late: 0 },
          ...{ comparison: null, verification: null, check: null },
        },
      ],
    })
  })

  it('know no projection that the code does not have, nor builds of an inline one', async () => {
    await expectProblem(get('/projections/nothing/state'), 404, /^there is no projection "nothing"$/)
    await expectProblem(act('rebuild', {}, 'nothing'), 404, /^there is no projection/)
    for (const action of ['rebuild', 'verify', 'pause', 'rollback'])
      await expectProblem(act(action, {}, 'open-orders'), 409, /is inline: .*`millrace setup` builds it/)
    await expectProblem(act('rebuild', {}, 'product-history'), 409, /is folded on demand/)
  })

  it('ask for a scope each: reading allows no writing, and the other way round', async () => {
    const wrong = [
      await get('/projections', bearer('ops:write')),
      await get(`/projections/${NAME}/state`, bearer('ops:write')),
      await post('/projections', { name: NAME }, bearer('ops:read')),
      ...(await Promise.all(
        ['rebuild', 'reset', 'compare', 'verify', 'switch', 'rollback', 'pause', 'resume'].map((action) =>
          post(`/projections/${NAME}/${action}`, {}, bearer('ops:read')),
        ),
      )),
      await post(`/projections/${NAME}/drop`, { build: 'v1' }, bearer('ops:read')),
    ]
    expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([403]))
    expect(await stateOf()).toMatchObject({ isPaused: false, builds: [{ name: 'v1' }] })
  })

  it('say what is not possible before there is something to do it with', async () => {
    await expectProblem(
      act('compare'),
      409,
      /is not being built: start with POST \/projections\/order-summary\/rebuild$/,
    )
    await expectProblem(act('switch'), 409, /is not being built/)
    await expectProblem(act('rollback'), 409, /has no former build to go back to$/)
    await expectProblem(act('drop', { build: 'v1' }), 409, /is what readers get: switch or roll back first$/)
    await expectProblem(act('drop', { build: 'v7' }), 404, /^order-summary has no build "v7"$/)
    await expectProblem(act('verify', {}, 'processes'), 409, /the event store does not keep process.state$/)
  })

  it('begin a build once, without a body or with an empty one', async () => {
    expect((await act('rebuild')).json()).toEqual({ name: NAME, build: 'v1.1' })
    await expectProblem(
      act('rebuild', {}),
      409,
      /is being built already \(v1.1\): switch to it or drop it first$/,
    )
    expect((await stateOf()).builds).toMatchObject([{ role: 'served' }, { name: 'v1.1', role: 'next' }])
  })

  it('do not compare, and not switch to, what nobody has built yet', async () => {
    await expectProblem(act('switch'), 409, /was not compared with order-summary.v1 yet: first POST/)
    await expectProblem(
      act('switch', { build: 'v1.7' }),
      409,
      /^order-summary has no build "v1.7": look again$/,
    )
    const answer = await expectProblem(act('compare'), 409, /is still being built/)
    expect(answer.headers['retry-after']).toBe('5')
    expect(answer.json()).toMatchObject({ applied: 0, remaining: expect.any(Number) })
  })

  it('pause and resume, again and again', async () => {
    for (const [action, isPaused] of [
      ['pause', true],
      ['pause', true],
      ['resume', false],
      ['resume', false],
    ] as const) {
      expect((await act(action)).json()).toEqual({ name: NAME, isPaused })
      expect(await stateOf()).toMatchObject({ isPaused })
    }
  })

  it('verify what readers get, with a report that is there at once', async () => {
    const answer = await act('verify', { full: true })
    expect([answer.status, answer.json()]).toMatchObject([202, { name: NAME, build: 'v1' }])
    const { verification } = (await stateOf()).builds[0] as { verification: Record<string, unknown> }
    expect(verification['startedAt']).toBe(answer.json()['startedAt'])
    expect(verification).toMatchObject({ against: 'log' })
  })

  it('drop what is not read, and build it again under another name', async () => {
    const dropped = await act('drop', { build: 'v1.1' })
    expect([dropped.status, dropped.json()]).toEqual([200, { name: NAME, build: 'v1.1' }])
    expect((await stateOf()).builds).toHaveLength(1)
    expect((await act('rebuild')).json()).toEqual({ name: NAME, build: 'v1.2' })
  })

  it('register a projection once', async () => {
    await servers.mongoConnection.db.collection('builds').deleteOne({ _id: 'order-history' as never })
    await expectProblem(get('/projections/order-history/state'), 404, /is not registered yet/)
    for (let times = 0; times < 2; times++) {
      const answer = await post('/projections', { name: 'order-history' })
      expect([answer.status, answer.json()]).toEqual([
        200,
        { name: 'order-history', served: 'v1', previous: null },
      ])
    }
  })

  it('close their bodies', async () => {
    await expectProblem(act('rebuild', { version: 'v1' }), 400, /./)
    await expectProblem(act('compare', { expected: ['total'] }), 400, /./)
    await expectProblem(act('drop', {}), 400, /./)
  })
})

describe('a reset in place', () => {
  it('is for development: readers would get what is half built', async () => {
    const production = await startServiceProcess('ops', servers, {
      ...IDENTITY_ENV,
      ...{ NODE_ENV: 'production', HOST: '127.0.0.1', TOKEN_SECRET: 'k'.repeat(64), CHECK_EVERY_MS: '0' },
    })
    const asking = httpClient(production.url)
    const answer = await asking.send({
      ...{ method: 'POST', path: '/projections/customer-dashboard/reset', body: '{"inPlace":true}' },
      headers: { ...bearer('ops:write'), 'content-type': 'application/json' },
    })
    expect([answer.status, answer.json()['detail']]).toEqual([409, expect.stringMatching(/for development/)])
    await asking.close()
    await production.stop()
    expect((await stateOf('customer-dashboard')).builds).toHaveLength(1)
    expect((await act('reset', { inPlace: true }, 'customer-dashboard')).status).toBe(202)
    expect(await stateOf('customer-dashboard')).toMatchObject({ served: 'v1.1', previous: 'v1' })
  })
})
