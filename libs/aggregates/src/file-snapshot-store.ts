// Snapshots as files of one directory, one file each: a stand-in for object storage. The name of a stream may have
// any characters and any length, and a file system tells neither apart as we do, so its folder is a hash.
//
// A file appears under its name only when it is whole: it is written beside it, flushed, and renamed. What a process
// leaves that died before is no snapshot by its name.

import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Snapshot, SnapshotStore, StoredSnapshot, StreamId, UpTo } from '@millrace/mongo'
import { messageOf, PlatformError } from '@millrace/runtime'

/** Its calls throw a retryable PlatformError when the directory cannot be used. */
export const fileSnapshotStore = (directory: string): SnapshotStore => {
  const folderOf = ({ tenant, stream }: StreamId): string => {
    const hash = createHash('sha256')
      .update(JSON.stringify([tenant, stream]))
      .digest('hex')
    return join(directory, hash.slice(0, 2), hash.slice(2))
  }
  const closest: SnapshotStore['closest'] = async (stream, upTo = {}) => {
    const folder = folderOf(stream)
    const versions = (await versionsIn(folder)).filter((version) => version <= (upTo.version ?? version))
    for (const version of versions) {
      const stored = await readOne(folder, version)
      if (stored && isWithin(stored, upTo)) return stored
    }
    return undefined
  }
  return {
    closest: (stream, upTo) => translating(() => closest(stream, upTo)),
    newest: (streams) => translating(() => Promise.all(streams.map((stream) => closest(stream)))),
    list: (stream) => translating(() => readAll(folderOf(stream))),
    save: (snapshot) => translating(() => write(folderOf(snapshot), snapshot)),
    remove: (stream, versions) =>
      translating(async () => {
        const folder = folderOf(stream)
        for (const version of versions) await rm(join(folder, fileName(version)), { force: true })
      }),
  }
}

const NAME = /^(\d{16})\.json$/

const fileName = (version: number): string => `${String(version).padStart(16, '0')}.json`

/** The newest first. */
const versionsIn = async (folder: string): Promise<number[]> => {
  const names = await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return []
    throw error
  })
  const versions = names.map((name) => Number(NAME.exec(name)?.[1]))
  return versions.filter((version) => version > 0).toSorted((a, b) => b - a)
}

/** Undefined when somebody has just removed it. */
const readOne = async (folder: string, version: number): Promise<StoredSnapshot | undefined> => {
  try {
    return { version, content: parseJson(await readFile(join(folder, fileName(version)), 'utf8')) }
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

const readAll = async (folder: string): Promise<StoredSnapshot[]> => {
  const read = (await versionsIn(folder)).map((version) => readOne(folder, version))
  return (await Promise.all(read)).filter((stored) => stored !== undefined)
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isWithin = ({ content }: StoredSnapshot, { order }: UpTo): boolean => {
  if (order === undefined) return true
  const isKnown = typeof content === 'object' && content !== null && 'order' in content
  return isKnown && typeof content.order === 'number' && content.order <= order
}

const write = async (folder: string, snapshot: Snapshot): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const path = join(folder, fileName(snapshot.version))
  const unfinished = `${path}.${randomUUID()}`
  try {
    await writeFile(unfinished, JSON.stringify(snapshot), { flush: true })
    await rename(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true })
    throw error
  }
  await flushNames(folder)
}

/** Without it a power failure may take the new name back. */
const flushNames = async (folder: string): Promise<void> => {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const isMissing = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT'

const translating = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (cause) {
    const message = `snapshot files: ${messageOf(cause)}`
    throw new PlatformError({ code: 'SNAPSHOT_FILES_UNAVAILABLE', message, retryable: true, cause })
  }
}
