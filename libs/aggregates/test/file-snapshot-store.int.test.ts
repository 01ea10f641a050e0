import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { PlatformError } from '@millrace/runtime'
import { fileSnapshotStore } from '../src/file-snapshot-store.ts'
import { aSnapshot, testSnapshotStore } from './snapshot-store-contract.ts'

const streamOf = (id: string) => ({ tenant: 'demo', stream: `catalog.product-${id}` })

describe('snapshots in files', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-snapshots-'))
  })
  afterAll(() => rm(directory, { recursive: true, force: true }))

  testSnapshotStore(() => fileSnapshotStore(directory))

  /** Paths of the files, in a directory that has only those of one stream. */
  const filesIn = async (folder: string): Promise<string[]> => {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  }

  it('are found by the next process', async () => {
    await fileSnapshotStore(directory).save(aSnapshot(streamOf('kept'), 7))
    expect((await fileSnapshotStore(directory).closest(streamOf('kept')))?.version).toBe(7)
  })

  it('do not include what a process left that died while it wrote', async () => {
    const own = join(directory, 'half-written')
    const store = fileSnapshotStore(own)
    const stream = streamOf('half-written')
    await store.save(aSnapshot(stream, 100))
    const [path = ''] = await filesIn(own)
    await rename(path, `${path}.4f2c`)
    await writeFile(join(dirname(path), 'notes.txt'), 'not a snapshot')
    expect([await store.closest(stream), await store.list(stream)]).toEqual([undefined, []])
    await store.save(aSnapshot(stream, 50))
    expect((await store.closest(stream))?.version).toBe(50)
  })

  it('that are damaged are handed on as they are, for others to judge', async () => {
    const own = join(directory, 'damaged')
    const store = fileSnapshotStore(own)
    const stream = streamOf('damaged')
    await store.save(aSnapshot(stream, 100))
    const [path = ''] = await filesIn(own)
    await writeFile(path, '{"version": 1')
    expect(await store.closest(stream)).toEqual({ version: 100, content: undefined })
    expect(await store.closest(stream, { order: 1e9 })).toBeUndefined()
  })

  it('say so when their directory cannot be used', async () => {
    const file = join(directory, 'a-file')
    await writeFile(file, '')
    const store = fileSnapshotStore(file)
    const unavailable = { code: 'SNAPSHOT_FILES_UNAVAILABLE', retryable: true }
    for (const use of [() => store.closest(streamOf('x')), () => store.save(aSnapshot(streamOf('x'), 1))]) {
      const error: unknown = await use().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(PlatformError)
      expect(error).toMatchObject(unavailable)
    }
  })
})
