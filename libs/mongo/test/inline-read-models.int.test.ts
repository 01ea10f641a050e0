import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { collectionsOf } from '../src/collections.ts'
import type { CommitDocument, ReadModelDocument } from '../src/documents.ts'
import type { InlineChange } from '../src/inline-documents.ts'
import { inlineReadModels, type InlineBuild, type StoredCommit } from '../src/inline-read-models.ts'
import { mongoEventStore, type NewCommit } from '../src/event-store.ts'
import { mongoPresences, type Presence } from '../src/presences.ts'
import { commitOf, openDatabase, rejectionOf, TENANT, TOPIC, type TestDatabase } from './mongo-fixture.ts'

const PROJECTION = 'histories.v1'
const MODELS = [{ projection: PROJECTION, indexes: [{ length: 1 as const }] }]

let database: TestDatabase
beforeEach(async () => {
  database = await openDatabase('inline-read-models')
})
afterEach(() => database.drop())

const store = async (commits: readonly NewCommit[]): Promise<void> => {
  const { append } = mongoEventStore(database.connection)
  await Promise.all(commits.map((commit) => append(commit)))
}

const documents = () => database.connection.db.collection<ReadModelDocument>(`readModel.${PROJECTION}`)

/** A document per stream, with what its events say, in the order in which they came. */
const remember = (commit: StoredCommit): InlineChange[] =>
  commit.events.map(({ version, bytes }) => ({
    projection: PROJECTION,
    id: `${commit.tenant}/${commit.stream}`,
    change: (before) => {
      const said = (before?.['said'] as string[] | undefined) ?? []
      return { type: 'changed', fields: { said: [...said, `${version}: ${bytes.toString()}`] } }
    },
  }))

const build = (given: Partial<InlineBuild> = {}): Promise<number> =>
  inlineReadModels(database.connection).build({
    models: MODELS,
    topics: [TOPIC],
    prepare: () => Promise.resolve(),
    changesOf: remember,
    ...given,
  })

describe('building inline read models', () => {
  it('folds the commits of the topics in the order of each stream, whatever order they were written in', async () => {
    await store([
      commitOf('a', 3, { order: 30 }),
      commitOf('b', 1, { order: 20 }),
      commitOf('a', 1, { order: 10, count: 2 }),
      commitOf('elsewhere', 1, { topic: 'catalog.product.events' }),
    ])
    await mongoEventStore(database.connection).keepAnswer({ tenant: TENANT, stream: 'c' }, () =>
      Promise.resolve(rejectionOf(randomUUID())),
    )
    expect(await build()).toBe(3)
    expect(await documents().find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: `${TENANT}/a`, _tenant: TENANT, said: ['1: a@1', '2: a@2', '3: a@3'] },
      { _id: `${TENANT}/b`, _tenant: TENANT, said: ['1: b@1'] },
    ])
  })

  it('goes on from batch to batch, which are bounded in commits and in bytes', async () => {
    const small = Array.from({ length: 2_300 }, (_, index) => commitOf('small', index + 1))
    const large = Array.from({ length: 5 }, (_, index) =>
      commitOf('large', index + 1, { order: 10_000 + index, bytes: Buffer.alloc(3 * 1024 * 1024) }),
    )
    await database.connection.db
      .collection<CommitDocument>('commits')
      .insertMany(small.map((commit) => commit as unknown as CommitDocument))
    await store(large)
    const sizes: number[] = []
    const progress: unknown[] = []
    await build({
      prepare: async (commits) => void sizes.push(commits.length),
      changesOf: (commit) => [
        {
          projection: PROJECTION,
          id: `${commit.tenant}/${commit.stream}`,
          change: (before) => ({ type: 'changed', fields: { count: Number(before?.['count'] ?? 0) + 1 } }),
        },
      ],
      onFolded: (folded) => progress.push(folded),
    })
    expect(sizes).toEqual([1_000, 1_000, 303, 2])
    expect(progress.at(-1)).toEqual({ folded: 2_305, total: 2_305 })
    const counts = await documents().find().sort({ _id: 1 }).toArray()
    expect(counts.map(({ _id, count }) => [_id, count])).toEqual([
      [`${TENANT}/large`, 5],
      [`${TENANT}/small`, 2_300],
    ])
  })

  it('drops what was there, and keeps the indexes', async () => {
    await store([commitOf('a', 1)])
    await build()
    await documents().insertOne({ _id: 'left', _tenant: TENANT })
    await build()
    expect(await documents().distinct('_id')).toEqual([`${TENANT}/a`])
    expect((await documents().indexes()).map(({ name }) => name)).toEqual([
      '_id_',
      'tenant',
      '_tenant_1_length_1__id_1',
    ])
  })

  it('names the commit that cannot be folded', async () => {
    const [commit] = [commitOf('a', 1)]
    await store([commit])
    const refuses = (): never => {
      throw new Error('cannot be')
    }
    const change = { projection: PROJECTION, id: `${TENANT}/a`, change: refuses }
    const error = {
      code: 'STORE_UNFOLDABLE',
      message: `commit ${commit._id} of a cannot be folded: cannot be`,
    }
    await expect(build({ changesOf: refuses })).rejects.toMatchObject(error)
    await expect(build({ changesOf: () => [change] })).rejects.toMatchObject(error)
  })
})

describe('the record of what is built', () => {
  const enter = (): Promise<Presence> =>
    mongoPresences(database.connection).enter({ role: 'builder', name: 'setup', onLost: () => undefined })

  it('has the names that were recorded last, each since it was recorded first', async () => {
    const models = inlineReadModels(database.connection)
    const { inlineReadModels: built } = collectionsOf(database.connection)
    const builder = await enter()
    expect(await models.listBuilt()).toEqual([])
    await models.record(['b.v1', 'a.v1'], builder)
    const first = await built.findOne({ _id: 'a.v1' })
    await models.record(['a.v1', 'b.v2'], builder)
    expect(await models.listBuilt()).toEqual(['a.v1', 'b.v2'])
    expect(await built.findOne({ _id: 'a.v1' })).toEqual(first)
    await builder.leave()
  })

  it('is not changed by a builder who was taken to be gone', async () => {
    const models = inlineReadModels(database.connection)
    const builder = await enter()
    await collectionsOf(database.connection).presences.deleteOne({ _id: builder.id })
    await expect(models.record(['a.v1'], builder)).rejects.toMatchObject({ code: 'STORE_PRESENCE_LOST' })
    expect(await models.listBuilt()).toEqual([])
    await builder.leave()
  })
})
