/**
 * The directory that holds a stack's data, and the memory of the last run:
 *
 *   kafka/  mongo/  registry/   the servers' data       logs/<server>.log
 *   stack.lock                  who runs on it now: a second stack is refused
 *   last-run.json               its ports, taken again when they are free, and where each server came from:
 *                               the data of a container cannot be read by a process, nor the other way round
 *   processes.json              the servers that run, each with its start time: what a crash left is ended
 *                               at the next start (normally the warden was faster)
 *
 * An ephemeral stack has the same directory in the system's temporary directory and removes it at the end.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endProcessGroup } from './end-process-group.ts'
import { LocalStackError } from './local-stack-error.ts'
import { tryLockFile } from './lock-file.ts'
import { makeWritable } from './make-writable.ts'
import { identifyProcess, type ProcessIdentity } from './process-identity.ts'
import type { Guard, Origin, Role } from './stack-types.ts'

const LEFT_OVER_GRACE_MS = 10_000

export type LastRun = {
  readonly ports: Readonly<Record<string, number>>
  readonly origins: Readonly<Partial<Record<Role, Origin>>>
}

export type DataDir = {
  readonly path: string
  readonly isEphemeral: boolean
  /** Made on first use. */
  subdirectory(name: string): Promise<string>
  logFile(server: string): string
  readonly lastRun: LastRun
  rememberRun(run: LastRun): Promise<void>
  /** Notes running processes in the directory. */
  readonly guard: Guard
  /** A name that stays with the data and goes with it: for volumes that live elsewhere. */
  volumeId(): Promise<string>
  close(): Promise<void>
}

export const openDataDir = async (wish: { dataDir: string; ephemeral: boolean }): Promise<DataDir> => {
  const path = await makeDirectory(wish)
  const lock = await lockDirectory(path)
  const processesFile = join(path, 'processes.json')
  await endLeftOvers(processesFile)
  await mkdir(join(path, 'logs'), { recursive: true })
  const close = async (): Promise<void> => {
    if (wish.ephemeral) return rm(path, { recursive: true, force: true, maxRetries: 5 })
    await lock.release()
  }
  return {
    path,
    isEphemeral: wish.ephemeral,
    async subdirectory(name) {
      await mkdir(join(path, name), { recursive: true })
      return join(path, name)
    },
    logFile: (server) => join(path, 'logs', `${server}.log`),
    lastRun: await readJson<LastRun>(join(path, 'last-run.json'), { ports: {}, origins: {} }),
    rememberRun: (run) => writeJson(join(path, 'last-run.json'), run),
    guard: makeRecord(processesFile),
    volumeId: () => readVolumeId(join(path, 'volumes.json')),
    close,
  }
}

const makeDirectory = async ({ dataDir, ephemeral }: { dataDir: string; ephemeral: boolean }) => {
  if (ephemeral) return realpath(await mkdtemp(join(tmpdir(), 'millrace-')))
  await makeWritable(dataDir, 'dataDir')
  return realpath(dataDir)
}

const lockDirectory = async (path: string) => {
  const attempt = await tryLockFile(join(path, 'stack.lock'))
  if (attempt.type === 'locked') return attempt
  throw new LocalStackError('data-dir-in-use', `Process ${attempt.pid} already runs a stack on ${path}.`, {
    nextStep: `Use that one, end it (kill ${attempt.pid}), or choose another data directory.`,
  })
}

const endLeftOvers = async (file: string): Promise<void> => {
  const leftOvers = await readJson<readonly ProcessIdentity[]>(file, [])
  await Promise.all(leftOvers.map((leader) => endProcessGroup(leader, LEFT_OVER_GRACE_MS)))
  await rm(file, { force: true })
}

/** Written at once, not later: it is for the case that the process is killed the next moment. */
const makeRecord = (file: string): Guard => {
  const update = (change: (identities: ProcessIdentity[]) => ProcessIdentity[]): void => {
    writeFileSync(file, JSON.stringify(change(readRecord(file))))
  }
  return {
    guard(pid) {
      const identity = identifyProcess(pid)
      if (identity) update((identities) => [...identities, identity])
    },
    release: (pid) => update((identities) => identities.filter((identity) => identity.pid !== pid)),
  }
}

const readRecord = (file: string): ProcessIdentity[] => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity[]
  } catch {
    return []
  }
}

const readVolumeId = async (file: string): Promise<string> => {
  const known = await readJson<{ id?: string }>(file, {})
  if (known.id) return known.id
  const id = randomUUID().slice(0, 8)
  await writeJson(file, { id })
  return id
}

const readJson = async <T>(file: string, absent: T): Promise<T> => {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as T
  } catch {
    return absent // not there yet, or cut off by a crash: both mean that nothing is remembered
  }
}

const writeJson = async (file: string, value: unknown): Promise<void> => {
  await writeFile(`${file}.new`, `${JSON.stringify(value)}\n`)
  await rename(`${file}.new`, file)
}
