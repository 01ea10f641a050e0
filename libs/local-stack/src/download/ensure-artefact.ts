/**
 * The cache of downloaded servers, shared by every clone and stack of a user:
 *
 *   <cache>/<artefact>            complete and verified: appears by one rename, never half
 *   <cache>/partial/<artefact>    where tools download to; kept after a failure, so that they can resume
 *   <cache>/locks/<artefact>      one process downloads, the others wait for it
 */
import { mkdir, rename, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { hasCode } from '../error-code.ts'
import { isAborted, LocalStackError } from '../local-stack-error.ts'
import { lockFile } from '../lock-file.ts'
import { makeWritable } from '../make-writable.ts'
import type { StackContext } from '../stack-context.ts'
import { diskFull } from './run-tool.ts'
import { watchBytes } from './watch-bytes.ts'

export type Artefact = {
  /** Directory in the cache; carries the version. */
  readonly name: string
  readonly step: string
  readonly downloadBytes: number
  /** Download and unpacked files together. */
  readonly diskBytes: number
  isComplete(directory: string): Promise<boolean>
  /** Runs the tool; may find the remains of an earlier attempt in `partial`. */
  download(partial: string): Promise<void>
  /** Throws when what was downloaded is not what it should be. */
  verify(partial: string): Promise<void>
  /** Puts the files of the finished directory together and returns it; it lies within `partial`. */
  unpack(partial: string): Promise<string>
}

const ATTEMPTS = 3
const FIRST_BACKOFF_MS = 2_000
/** What a second attempt may change. */
const RETRIED_CODES = new Set(['download-failed', 'checksum-mismatch'])

/** The directory of the artefact, downloaded first if need be. */
export const ensureArtefact = async (artefact: Artefact, context: StackContext): Promise<string> => {
  const target = join(context.cacheDir, artefact.name)
  if (await artefact.isComplete(target)) return target
  await makeWritable(join(context.cacheDir, 'locks'), 'MILLRACE_CACHE')
  const release = await lockFile(join(context.cacheDir, 'locks', artefact.name), {
    signal: context.signal,
    onWait: (pid) =>
      context.logger.info({ pid, artefact: artefact.name }, 'waiting for the download of another process'),
  })
  try {
    if (!(await artefact.isComplete(target))) await fill(artefact, context, target)
    return target
  } finally {
    await release()
  }
}

const fill = async (artefact: Artefact, context: StackContext, target: string): Promise<void> => {
  const partial = join(context.cacheDir, 'partial', artefact.name)
  await mkdir(partial, { recursive: true })
  await requireSpace(context.cacheDir, artefact.diskBytes)
  const report = makeReport(artefact, context)
  report(0)
  const stopWatching = watchBytes(partial, (bytes) =>
    report(Math.min(bytes, Math.floor(artefact.downloadBytes * 0.99))),
  )
  try {
    await downloadWithRetries(artefact, context, partial)
    const finished = await artefact.unpack(partial)
    if (!(await artefact.isComplete(finished)))
      throw new Error(`${artefact.name} is not complete after unpacking`)
    await rm(target, { recursive: true, force: true })
    await rename(finished, target)
  } catch (error) {
    throw hasCode(error, 'ENOSPC') ? diskFull(context.cacheDir) : error
  } finally {
    stopWatching()
  }
  await rm(partial, { recursive: true, force: true })
  report(artefact.downloadBytes)
}

/** Never goes back, although tools remove temporary files. */
const makeReport = ({ step, downloadBytes }: Artefact, { onProgress }: StackContext) => {
  let most = 0
  return (done: number): void => {
    most = Math.max(most, done)
    onProgress({ step, done: most, total: downloadBytes, unit: 'bytes' })
  }
}

const downloadWithRetries = async (
  artefact: Artefact,
  context: StackContext,
  partial: string,
): Promise<void> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await artefact.download(partial)
      await artefact.verify(partial)
      return
    } catch (error) {
      if (isMismatch(error)) await clear(partial)
      if (attempt >= ATTEMPTS || isFinal(error) || isAborted(context.signal))
        throw nameArtefact(artefact, error)
      const backoffMs = FIRST_BACKOFF_MS * 2 ** (attempt - 1)
      context.logger.warn(
        { err: error, artefact: artefact.name, attempt, nextTryMs: backoffMs },
        'download retried',
      )
      await sleep(backoffMs)
    }
  }
}

const isMismatch = (error: unknown): boolean =>
  error instanceof LocalStackError && error.code === 'checksum-mismatch'

const isFinal = (error: unknown): boolean =>
  !(error instanceof LocalStackError && RETRIED_CODES.has(error.code))

/** Resuming on wrong bytes would keep them. */
const clear = async (partial: string): Promise<void> => {
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { recursive: true })
}

const nameArtefact = (artefact: Artefact, error: unknown): unknown => {
  if (!(error instanceof LocalStackError) || error.code !== 'download-failed') return error
  return new LocalStackError(
    'download-failed',
    `${artefact.step} failed ${ATTEMPTS} times. ${error.message}`,
    {
      nextStep:
        'Check the network and your Maven or pip configuration (mirror, proxy), then start again: it goes on where it stopped. ' +
        'Or give KAFKA_BROKERS, MONGO_URL and SCHEMA_REGISTRY_URL, or start Docker.',
      cause: error,
    },
  )
}

const requireSpace = async (directory: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(directory)
  if (bavail * bsize < bytes) throw diskFull(`${directory} (${Math.ceil(bytes / 1e6)} MB are needed)`)
}
