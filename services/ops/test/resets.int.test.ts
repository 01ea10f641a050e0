import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { httpClient, type HttpAnswer } from '../../../test/support/http-client.ts'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'
import { startServiceProcess, type ServiceProcess } from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'

const PATIENT = { timeoutMs: 60_000, everyMs: 100 }
const NAME = 'order-summary'
const ORDERS = 20

type Report = { readonly state: string; readonly samples: readonly object[] } | null
type Build = {
  readonly name: string
  readonly role: string
  readonly progress: { readonly isCaughtUp: boolean; readonly applied: number }
  readonly verification: Report
  readonly check: Report
}
type State = { readonly served: string; readonly builds: readonly Build[] }

// One story: what a reset comes to, whoever ends meanwhile.
describe('a reset', () => {
  let kafka: OwnServer
  let servers: TestServers
  let projector: ServiceProcess
  let ops: ServiceProcess
  beforeAll(async () => {
    kafka = await startOwnServer('kafka')
    servers = await prepareServers({ name: 'resets', kafka: kafka.url })
    projector = await startServiceProcess('projector', servers, { PROJECTIONS: NAME })
    await placeOrders()
    ops = await startServiceProcess('ops', servers, { CHECK_EVERY_MS: '0' })
    await eventually(stateOf, ({ builds }) => applied(builds[0]) === ORDERS, PATIENT)
  })
  afterAll(async () => {
    await Promise.all([ops.stop(), projector.stop()])
    await servers.stop()
    await kafka.stop()
  })

  const applied = (build: Build | undefined): number => build?.progress.applied ?? 0

  const sending = async (url: string, path: string, body?: object): Promise<HttpAnswer> => {
    const client = httpClient(url)
    const headers = { 'content-type': 'application/json', 'idempotency-key': randomUUID() }
    const request = body ? { method: 'POST', path, headers, body: JSON.stringify(body) } : { path }
    return client.send(request).finally(() => client.close())
  }

  const placeOrders = async (): Promise<void> => {
    const commandApi = await startServiceProcess('command-api', servers, { RELAY_POLL_MS: '20' })
    for (let order = 0; order < ORDERS; order++) {
      const lines = [{ productId: 'p-1', quantity: 1, amount: 1_000 }]
      await sending(commandApi.url, `/orders/o-${order}/place`, { customerId: 'c-1', currency: 'EUR', lines })
    }
    await eventually(
      () => servers.mongoConnection.db.collection('commits').countDocuments({ pending: { $exists: true } }),
      (pending) => pending === 0,
      PATIENT,
    )
    await commandApi.stop()
  }

  const stateOf = async (): Promise<State> =>
    (await sending(ops.url, `/projections/${NAME}/state`)).json() as unknown as State

  const reset = async (): Promise<string> =>
    String((await sending(ops.url, `/projections/${NAME}/reset`, {})).json()['build'])

  const buildOf = async (name: string): Promise<Build | undefined> =>
    (await stateOf()).builds.find((build) => build.name === name)

  const restartOps = async (
    env: Readonly<Record<string, string>> = { CHECK_EVERY_MS: '0' },
  ): Promise<void> => {
    await ops.kill()
    ops = await startServiceProcess('ops', servers, env)
  }

  it('is served as soon as it is found to be what the log says, also of a short log', async () => {
    const build = await reset()
    const state = await eventually(stateOf, ({ served }) => served === build, PATIENT)
    expect(state.builds.find(({ name }) => name === build)?.verification).toMatchObject({ state: 'equal' })
  })

  it('goes on with what is being built of its version, and needs no comparison with what readers get', async () => {
    const { build } = (await sending(ops.url, `/projections/${NAME}/rebuild`, {})).json()
    expect(await reset()).toBe(build)
    await eventually(stateOf, ({ served }) => served === build, PATIENT)
  })

  it('is served although ops was killed right after it was asked for', async () => {
    const build = await reset()
    await restartOps()
    await eventually(stateOf, ({ served }) => served === build, PATIENT)
  })

  it('is not served when it differs: the state has the document, the field and the event', async () => {
    const { served: before } = await stateOf()
    await projector.stop()
    const build = await reset()
    await ops.kill()
    projector = await startServiceProcess('projector', servers, { PROJECTIONS: NAME })
    const documents = servers.mongoConnection.db.collection(`readModel.${NAME}.${build}`)
    await eventually(
      () => documents.countDocuments(),
      (count) => count === ORDERS,
      PATIENT,
    )
    await documents.updateOne({ orderId: 'o-3' }, { $set: { status: 'paid' } })
    ops = await startServiceProcess('ops', servers, { CHECK_EVERY_MS: '0' })
    const found = await eventually(
      () => buildOf(build),
      (next) => next?.verification?.state === 'different',
      PATIENT,
    )
    expect(found?.verification?.samples).toMatchObject([
      {
        ...{ key: 'demo/o-3', field: 'status', against: 'log', value: 'paid', other: 'placed' },
        event: { type: 'OrderPlaced' },
      },
    ])
    await restartOps()
    expect(await stateOf()).toMatchObject({ served: before })
    const again = await sending(ops.url, `/projections/${NAME}/reset`, {})
    expect([again.status, again.json()['detail']]).toEqual([409, expect.stringMatching(/drop it first$/)])
    await sending(ops.url, `/projections/${NAME}/drop`, { build })
  })

  it('or none: the routine check finds what has drifted, by itself', async () => {
    const { served } = await stateOf()
    const documents = servers.mongoConnection.db.collection(`readModel.${NAME}.${served}`)
    await documents.updateMany({}, { $set: { customerId: 'nobody' } })
    await restartOps({ CHECK_EVERY_MS: '20' })
    const isDrift = ({ msg }: { msg?: string }): boolean => msg === 'a read model is not what the log says'
    const [line] = await eventually(
      () => ops.log().filter(isDrift),
      (lines) => lines.length > 0,
      PATIENT,
    )
    expect(line).toMatchObject({
      ...{ level: 'error', projection: NAME, field: 'customerId', key: expect.stringMatching(/^demo\/o-/) },
      event: { type: 'OrderPlaced' },
    })
    const metrics = await (await fetch(`${ops.admin}/metrics`)).text()
    expect(metrics).toMatch(/^millrace_projection_checks_total\{.*result="different".*\} [1-9]/m)
  })
})
