import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { entryOf, processes, type ChangelogDocument, type Document } from '@millrace/domain'
import { connectMongo, mongoBuilds, type MongoConnection } from '@millrace/mongo'
import { createTokenSigner, positionTokens } from '@millrace/runtime'
import { httpClient, type HttpAnswer, type HttpClient } from '../../../test/support/http-client.ts'
import {
  startServiceProcess,
  TOKEN_SECRET,
  type ServiceProcess,
} from '../../../test/support/service-process.ts'
import { prepareServers, type TestServers } from '../../../test/support/test-servers.ts'
import { processRows, writeRows, type Row } from './read-model-fixture.ts'

type Entry = { readonly _key: string; readonly doc: Document; readonly _ts: number; readonly _v: number }
type Page = { readonly items: readonly Entry[]; readonly next: string | null }

const BUILD = { projection: 'processes.v2', topic: 'process.state', partition: 0 }
const OFFSET = 41

const rowOf = (key: string, tenant = 'demo'): Row => {
  const [host = '', name = '', pid = ''] = key.split(':')
  const fields = { ...processRows[0]?.fields, key, host, name, pid: Number(pid) }
  return { id: `${tenant}/${key}`, fields }
}

/** Keys of processes whose names are anything. */
const oddKeys = ['x:/usr/bin/mill:1', 'x:a.b$c:1', 'x:\u{1f9ee}:1', 'x:\uffff:1', 'x:€ %2F+&?#:1', 'x:.*:1']

const entryOfRow = ({ fields }: Row, sequence = OFFSET): Entry => {
  const { key, state, changedAt } = entryOf(fields as ChangelogDocument<Document>)
  return { _key: key, doc: state, _ts: changedAt, _v: sequence }
}

const byBytes = (one: Entry, other: Entry): number =>
  Buffer.compare(Buffer.from(one._key), Buffer.from(other._key))

describe('the values of a table', () => {
  const rows = [...processRows, ...oddKeys.map((key) => rowOf(key))]
  const entries = rows.map((row) => entryOfRow(row)).toSorted(byBytes)
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-snap' })
    await writeRows(servers.mongoConnection, BUILD, { rows, lastSequence: OFFSET })
    const theirs = [rowOf('m-0:p-0:0', 'other'), rowOf('m-1:theirs:1', 'other')]
    await writeRows(servers.mongoConnection, BUILD, { rows: theirs, tenant: 'other', lastSequence: OFFSET })
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  const get = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> =>
    client.send({ path, headers })

  const page = async (path: string): Promise<Page> => {
    const answer = await get(path)
    expect([answer.status, answer.text]).toEqual([200, answer.text])
    return answer.json() as Page
  }

  const walk = async (path: string): Promise<Entry[]> => {
    const items: Entry[] = []
    let cursor = ''
    do {
      const { items: some, next } = await page(`${path}${cursor}`)
      items.push(...some)
      cursor = next === null ? '' : `&cursor=${next}`
    } while (cursor !== '')
    return items
  }

  describe('by its key', () => {
    it('is the value as it is on the topic, with its offset and the time by which it was so', async () => {
      const answer = await get('/snap/m-1:p-0:4')
      expect([answer.status, answer.json()]).toEqual([
        200,
        {
          _key: 'm-1:p-0:4',
          doc: expect.objectContaining({ host: 'm-1', name: 'p-0', pid: 4, status: 'started' }),
          _ts: processRows[4]?.fields['changedAt'],
          _v: OFFSET,
        },
      ])
      const { doc } = answer.json() as Entry
      expect(Object.keys(doc)).toEqual([
        ...['host', 'name', 'pid', 'startedAt', 'status', 'lastSeenAt', 'beat', 'cpu', 'rss'],
      ])
      expect((await get('/snap/m-1:p-0:4?table=process-state')).text).toBe(answer.text)
    })

    it.each(oddKeys)(
      'is found whatever its process calls itself, here and in the read model: %s',
      async (key) => {
        const asked = encodeURIComponent(key)
        const found = (await get(`/snap/${asked}`)).json() as Entry
        expect(found).toEqual(entryOfRow(rowOf(key)))
        const document = await get(`/read-models/processes/${asked}`)
        expect([document.status, document.json()['key']]).toEqual([200, key])
      },
    )

    it.each(['m-1:theirs:1', 'other%2Fm-1:theirs:1', '..%2Fother%2Fm-1:theirs:1', 'm-1', '__proto__'])(
      'is not there for a key that is unknown or another tenant’s: %s',
      async (key) => {
        const answer = await get(`/snap/${key}`)
        expect([answer.status, answer.headers['content-type']]).toEqual([404, 'application/problem+json'])
      },
    )

    it('has an ETag that changes with the value', async () => {
      const path = '/snap/m-0:p-0:0'
      const first = await get(path)
      const etag = String(first.headers['etag'])
      const unchanged = await get(path, { 'if-none-match': etag })
      expect([unchanged.status, unchanged.text, unchanged.headers['etag']]).toEqual([304, '', etag])
      // Said again: the same value, at another place.
      await writeRows(servers.mongoConnection, BUILD, { rows: [rows[0] as Row], lastSequence: OFFSET + 1 })
      const moved = await get(path, { 'if-none-match': etag })
      expect([moved.status, moved.json()['_v']]).toEqual([200, OFFSET + 1])
      await writeRows(servers.mongoConnection, BUILD, { rows: [rows[0] as Row], lastSequence: OFFSET })
    })
  })

  describe('by the beginning of their keys', () => {
    it.each([
      '',
      'm-',
      'm-1:p-1',
      'm-1:p-1:1',
      'x:',
      'x:/',
      'x:\uffff',
      'x:\u{1f9ee}',
      'x:a.b$',
      'x:.',
      'x:.*',
    ])('are in the order of the keys, page by page: "%s"', async (prefix) => {
      const wanted = entries.filter(({ _key: key }) => key.startsWith(prefix))
      expect(wanted.length).toBeGreaterThan(0)
      const asked = `/snap?prefix=${encodeURIComponent(prefix)}`
      expect(await walk(`${asked}&limit=2`)).toEqual(wanted)
      expect((await page(`${asked}&limit=200`)).next).toBeNull()
    })

    it('are all without one, and none where no key begins like that', async () => {
      expect(await walk('/snap?limit=50')).toEqual(entries)
      for (const prefix of ['M-', '.', '^m', 'm-1:p-1:1.', 'm-1:t', 'demo/', 'other/', '/'])
        expect(await page(`/snap?prefix=${encodeURIComponent(prefix)}`)).toEqual({ items: [], next: null })
    })

    it('have an ETag', async () => {
      const first = await get('/snap?limit=3')
      const again = await get('/snap?limit=3', { 'if-none-match': String(first.headers['etag']) })
      expect([again.status, again.text]).toEqual([304, ''])
    })

    it('go on by a cursor of the very list only', async () => {
      const { next } = await page('/snap?prefix=m-1&limit=2')
      expect((await page(`/snap?prefix=m-1&limit=3&cursor=${next}`)).items).toHaveLength(3)
      const ofList = String((await page('/read-models/processes?limit=1')).next)
      const place = { build: 'processes.v2', place: { id: 'demo/m-1:p-1:1' } }
      const foreign = createTokenSigner(TOKEN_SECRET).sign(
        { purpose: 'cursor snap ["process-state","m-1"]', tenant: 'other' },
        place,
      )
      for (const path of [
        `/snap?prefix=m-2&cursor=${next}`,
        `/snap?cursor=${next}`,
        `/snap?cursor=${ofList}`,
        `/read-models/processes?cursor=${next}`,
        `/snap?prefix=m-1&cursor=${foreign}`,
        `/snap?prefix=m-1&cursor=${String(next).slice(2)}`,
      ])
        expect([path, (await get(path)).status]).toEqual([path, 400])
    })
  })

  describe('after a position of heartbeats', () => {
    const TABLE = { projection: 'process-state.v1', topic: 'heartbeat.received', partition: 1 }
    const tokens = positionTokens(createTokenSigner(TOKEN_SECRET))
    const upTo = (offset: number, tenant = 'demo'): string =>
      tokens.of(tenant, { topic: TABLE.topic, offsets: { 1: offset } })
    const key = 'x:waited-for:1'
    const withVersion = (version: number): Row => {
      const row = rowOf(key)
      return { ...row, fields: { ...row.fields, beat: version, version } }
    }
    /** The table has read up to the offset, and the state is of that record. */
    const tableReads = (offset: number): Promise<void> =>
      writeRows(servers.mongoConnection, TABLE, {
        ...{ rows: [withVersion(offset + 1)], lastSequence: offset + 1, nextOffset: offset + 1 },
      })
    const documentIsOf = (offset: number): Promise<void> =>
      writeRows(servers.mongoConnection, BUILD, { rows: [withVersion(offset + 1)] })
    const routes = [`/snap/${key}`, `/read-models/processes/${key}`]

    it('gives up in time, says where it stands, and is answered once it is there', async () => {
      await tableReads(3)
      await documentIsOf(3)
      for (const path of routes) {
        const unread = await get(`${path}?after=${upTo(4)}&timeout=20`)
        expect([unread.status, unread.headers['retry-after']]).toEqual([504, '1'])
        expect(unread.json()).toMatchObject({
          ...{ projection: 'processes', state: 'pending', published: true },
          ...{ reachedSequence: 3, wantedSequence: 4 },
        })
      }
      await tableReads(4)
      for (const path of routes)
        expect((await get(`${path}?after=${upTo(4)}&timeout=0`)).json()).toMatchObject({
          ...{ status: 504, reachedSequence: 3, wantedSequence: 4 },
        })
      await documentIsOf(4)
      for (const path of routes) {
        const fresh = await get(`${path}?after=${upTo(4)}&timeout=0`)
        expect([fresh.status, fresh.headers['millrace-state']]).toEqual([200, 'fresh'])
      }
    })

    it('waits until it is there', async () => {
      const waiting = routes.map((path) => get(`${path}?after=${upTo(5)}&timeout=20000`))
      await tableReads(5)
      await documentIsOf(5)
      const answers = await Promise.all(waiting)
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect((answers[0]?.json() as Entry).doc['beat']).toBe(6)
      expect(answers[1]?.json()['beat']).toBe(6)
    })

    it('is for the tenant that got it, and for one document of what is made from it', async () => {
      await tableReads(6)
      await documentIsOf(6)
      for (const path of [
        `/snap/${key}?after=${upTo(6, 'other')}`,
        `/snap?after=${upTo(6)}`,
        `/read-models/processes?after=${upTo(6)}`,
        `/read-models/order-summary/o-1?after=${upTo(6)}`,
        `/snap/${key}?after=${tokens.of('demo', { topic: 'process.state', offsets: { 1: 6 } })}`,
      ])
        expect([path, (await get(path)).status]).toEqual([path, 400])
      const unknown = await get(`/snap/x:nobody:1?after=${upTo(6)}`)
      expect(unknown.status).toBe(404)
    })
  })

  // The last: it changes what is served.
  it('are those of the build that is served; a cursor of the former one is gone', async () => {
    const { next } = await page('/snap?prefix=m-1&limit=2')
    const registry = mongoBuilds(servers.mongoConnection)
    await registry.start(processes.name, processes.version)
    const again = { ...BUILD, projection: 'processes.v2.1' }
    await writeRows(servers.mongoConnection, again, { rows: rows.slice(0, 1), lastSequence: 7 })
    await registry.switchTo(processes.name, 'v2.1')
    expect((await page('/snap')).items).toEqual([entryOfRow(rows[0] as Row, 7)])
    const gone = await get(`/snap?prefix=m-1&limit=2&cursor=${next}`)
    expect([gone.status, gone.headers['content-type']]).toEqual([410, 'application/problem+json'])
  })
})

describe('before there was the table', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient

  beforeAll(async () => {
    servers = await prepareServers({ name: 'query-api-snap-v1' })
    const registry = mongoBuilds(servers.mongoConnection)
    await registry.start(processes.name, 'v1')
    await registry.switchTo(processes.name, 'v1')
    const v1 = { projection: 'processes.v1', topic: 'heartbeat.received', partition: 0 }
    await writeRows(servers.mongoConnection, v1, { rows: processRows })
    service = await startServiceProcess('query-api', servers)
    client = httpClient(service.url)
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
    await servers.stop()
  })

  it.each(['/snap', '/snap/m-0:p-0:0'])(
    'what was made from something else is not given out: %s',
    async (path) => {
      expect((await client.send({ path: '/read-models/processes/m-0:p-0:0' })).status).toBe(200)
      const answer = await client.send({ path })
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '30'])
      expect(answer.json()['detail']).toContain('v1')
    },
  )
})

describe('where read models have a database of their own', () => {
  let servers: TestServers
  let service: ServiceProcess
  let client: HttpClient
  let readModels: MongoConnection

  beforeAll(async () => {
    servers = await prepareServers({ name: 'snap-apart' })
    const database = `${servers.database}-read`
    readModels = await connectMongo({ url: servers.mongo, database, clientName: 'test' })
    service = await startServiceProcess('query-api', servers, { READ_MODELS_DATABASE: database })
    client = httpClient(service.url)
  })
  afterAll(async () => {
    await client.close()
    await service.stop()
    await readModels.db.dropDatabase()
    await readModels.close()
    await servers.stop()
  })

  it('values are read there, and the table that is waited for with the events', async () => {
    const key = 'x:apart:1'
    const row = rowOf(key)
    const rows = [{ ...row, fields: { ...row.fields, version: 8 } }]
    const position = positionTokens(createTokenSigner(TOKEN_SECRET)).of('demo', {
      ...{ topic: 'heartbeat.received', offsets: { 2: 7 } },
    })
    const path = `/snap/${key}?after=${position}&timeout=0`
    const table = { projection: 'process-state.v1', topic: 'heartbeat.received', partition: 2 }
    await writeRows(servers.mongoConnection, table, { rows, lastSequence: 8, nextOffset: 8 })
    const early = await client.send({ path })
    expect([early.status, early.json()['reachedSequence']]).toEqual([504, -1])
    await writeRows(readModels, BUILD, { rows, lastSequence: 3 })
    const fresh = await client.send({ path })
    expect([fresh.status, fresh.json()['_v'], fresh.headers['millrace-state']]).toEqual([200, 3, 'fresh'])
  })
})
