import { readFileSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { projections, versionedName } from '@millrace/domain'
import {
  allPublished,
  FIRST,
  fillFirst,
  openTwoTenants,
  placeBody,
  postJson,
  SECOND,
  SECRET,
  type Holdings,
  type ServiceName,
  type TwoTenants,
} from './two-tenants.ts'
import { walks, type Probe } from './walks.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const services: readonly ServiceName[] = ['command-api', 'ops', 'query-api']

const eachWalk = (walk: (typeof walks)['asking']) =>
  services.flatMap((service) =>
    Object.entries(walk[service]).map(([route, probesOf]) => ({ service, route, probesOf })),
  )

describe('what one tenant has', () => {
  let stage: TwoTenants
  let theirs: Holdings
  let before: Awaited<ReturnType<TwoTenants['storedOf']>>
  beforeAll(async () => {
    stage = await openTwoTenants()
    theirs = await fillFirst(stage)
    before = await stage.storedOf(FIRST)
  })
  afterAll(() => stage.close())

  const expectHeard = async (service: ServiceName, { request, status, holds }: Probe): Promise<void> => {
    const answer = await stage.second(service, request)
    const asked = `${request.method ?? 'GET'} ${request.path}`
    expect([asked, answer.status, answer.text]).toEqual([asked, status, answer.text])
    if (holds) expect([asked, answer.text, holds(answer)]).toEqual([asked, answer.text, true])
    // A refusal may say what was asked for.
    const said = `${JSON.stringify(answer.headers)}${answer.text}`.replaceAll(request.path, '')
    const isNamed = request.path.includes(SECRET)
    if (!isNamed || status < 400) expect([asked, said]).toEqual([asked, expect.not.stringContaining(SECRET)])
    for (const id of theirs.eventIds.filter((id) => !request.path.includes(id)))
      expect(said).not.toContain(id)
  }

  it('is there, for itself', async () => {
    const kept = projections.filter(({ kind }) => kind !== 'on-demand')
    const readModels = kept.map((projection) => `readModel.${versionedName(projection)}`)
    expect(Object.keys(before)).toEqual(['commits', ...readModels.toSorted(), 'snapshots'])
    const { cursors, whyCursors, snapCursor, positions } = theirs
    expect([...Object.values(cursors), ...Object.values(whyCursors), snapCursor]).not.toContain('null')
    expect(positions).not.toContain('undefined')
    const { text } = await stage.first('command-api', { path: '/streams/$all' })
    for (const id of theirs.eventIds) expect(text).toContain(id)
  })

  it('is asked for by every route of every service', async () => {
    const serving = globSync('services/*/src/**/*.ts', { cwd: ROOT })
      .filter((path) => readFileSync(join(ROOT, path), 'utf8').includes('defineRoute('))
      .map((path) => path.split(/[/\\]/)[1])
    expect([...new Set(serving)].toSorted()).toEqual(services)
    for (const service of services) {
      const walked = [...Object.keys(walks.asking[service]), ...Object.keys(walks.making[service])]
      expect([service, walked.toSorted()]).toEqual([service, (await stage.routesOf(service)).toSorted()])
    }
  })

  it.each(eachWalk(walks.asking))('is nothing for another one by $route', async ({ service, probesOf }) => {
    const probes = probesOf(theirs)
    expect(probes.length).toBeGreaterThan(0)
    for (const probe of probes) await expectHeard(service, probe)
  })

  it('is not told by a token of no tenant, nor by one that names the other', async () => {
    for (const { service, probesOf } of [...eachWalk(walks.asking), ...eachWalk(walks.making)]) {
      const [probe] = probesOf(theirs)
      const request = probe?.request ?? { path: '/' }
      const headers = { ...request.headers, 'x-tenant-id': FIRST }
      expect((await stage.nobody(service, request)).status).toBe(401)
      expect((await stage.second(service, { ...request, headers })).status).toBe(403)
    }
  })

  it('was not followed by anything that the other one has', async () => {
    const left = await stage.storedOf(SECOND)
    // Its refused commands are answered again, each under its own key.
    expect(Object.keys(left)).toEqual(['commits'])
    expect(left['commits']?.every((document) => 'answer' in (document as object))).toBe(true)
  })

  it.each(eachWalk(walks.making))(
    'is not what another one makes by $route under the same ids and keys',
    async ({ service, probesOf }) => {
      for (const probe of probesOf(theirs)) await expectHeard(service, probe)
    },
  )

  it('stays as it was, whatever another one does', async () => {
    await allPublished(stage)
    expect(await stage.storedOf(FIRST)).toEqual(before)
    expect(await stage.tenants()).toEqual([FIRST, SECOND])
  })

  it('is still given again under its own key', async () => {
    const keyed = { 'idempotency-key': theirs.keys.place }
    const request = postJson(`/orders/${theirs.twin}/place`, placeBody('c-1'), keyed)
    const again = await stage.first('command-api', request)
    expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true'])
    expect(again.text).toContain(theirs.eventIds.at(-1))
  })

  it('is apart from what another one has under the same ids', async () => {
    const path = `/streams/orders.order-${theirs.order}`
    const own = await stage.second('command-api', { path })
    expect([own.status, (own.json()['events'] as unknown[]).length]).toEqual([200, 1])
    expect(own.text).not.toContain(SECRET)
    const state = await stage.second('query-api', { path: `${path}/state` })
    expect(state.json()).toMatchObject({ version: 1 })
    const all = await stage.second('command-api', { path: '/streams/$all' })
    expect((all.json()['events'] as unknown[]).length).toBe(3)
    expect(all.text).not.toContain(SECRET)
    const counts = await stage.second('query-api', { path: '/read-models/open-orders' })
    expect([counts.status, counts.text.includes(SECRET)]).toEqual([200, false])
    expect((counts.json()['items'] as unknown[]).length).toBe(2)
  })
})
