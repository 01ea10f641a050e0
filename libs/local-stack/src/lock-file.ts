/**
 * A lock is a file that holds the identity of the process that made it. It is free when the file is absent
 * or its owner no longer runs; so a crash never leaves a lock that a person has to remove.
 *
 * Taking over a dead owner's lock is the delicate part: of two processes that both see it, the slower must
 * not delete the faster one's new lock. Both therefore first make the directory `<lock>.takeover`, which
 * only one can, look again, and only then delete.
 */
import { mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from './error-code.ts'
import { throwIfAborted } from './local-stack-error.ts'
import { identifyProcess, isSameProcess, type ProcessIdentity } from './process-identity.ts'

const POLL_MS = 200
/** The owner writes its identity right after making the file; a reader in between waits this long. */
const UNREADABLE_IS_STALE_AFTER_MS = 5_000

export type LockAttempt =
  { readonly type: 'locked'; release(): Promise<void> } | { readonly type: 'held'; readonly pid: number }

export const tryLockFile = async (path: string): Promise<LockAttempt> => {
  if (await createLock(path)) return locked(path)
  const owner = await readOwner(path)
  if (owner.type === 'alive') return { type: 'held', pid: owner.pid }
  if (owner.type === 'dead') await removeStaleLock(path)
  return (await createLock(path)) ? locked(path) : { type: 'held', pid: await readOwnerPid(path) }
}

type LockOptions = { readonly onWait?: (pid: number) => void; readonly signal?: AbortSignal | undefined }

/** Waits until the lock is free; `onWait` is called once, with the pid that is waited for. */
export const lockFile = async (path: string, { onWait, signal }: LockOptions = {}) => {
  for (let isFirst = true; ; isFirst = false) {
    throwIfAborted(signal)
    const attempt = await tryLockFile(path)
    if (attempt.type === 'locked') return () => attempt.release()
    if (isFirst) onWait?.(attempt.pid)
    await sleep(POLL_MS)
  }
}

const locked = (path: string): LockAttempt => ({
  type: 'locked',
  release: () => rm(path, { force: true }),
})

const createLock = async (path: string): Promise<boolean> => {
  try {
    await writeFile(path, JSON.stringify(identifyProcess(process.pid)), { flag: 'wx' })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

type Owner = { readonly type: 'alive'; readonly pid: number } | { readonly type: 'dead' | 'none' }

const readOwner = async (path: string): Promise<Owner> => {
  try {
    const identity = JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity
    return isSameProcess(identity) ? { type: 'alive', pid: identity.pid } : { type: 'dead' }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { type: 'none' }
    if ((await ageOf(path)) > UNREADABLE_IS_STALE_AFTER_MS) return { type: 'dead' }
    await sleep(POLL_MS)
    return readOwner(path)
  }
}

const readOwnerPid = async (path: string): Promise<number> => {
  const owner = await readOwner(path)
  return owner.type === 'alive' ? owner.pid : 0
}

const removeStaleLock = async (path: string): Promise<void> => {
  const takeover = `${path}.takeover`
  if (!(await makeTakeover(takeover))) return
  try {
    if ((await readOwner(path)).type === 'dead') await rm(path, { force: true })
  } finally {
    await rmdir(takeover)
  }
}

const makeTakeover = async (takeover: string): Promise<boolean> => {
  try {
    await mkdir(takeover)
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    // Left by a process that died within these few instructions.
    if ((await ageOf(takeover)) > UNREADABLE_IS_STALE_AFTER_MS)
      await rm(takeover, { recursive: true, force: true })
    return false
  }
}

const ageOf = async (path: string): Promise<number> => {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch {
    return 0
  }
}
