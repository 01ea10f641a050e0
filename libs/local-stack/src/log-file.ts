import { closeSync, openSync, renameSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { throwIfAborted } from './local-stack-error.ts'

const MAX_LOG_BYTES = 20 * 1024 * 1024
const POLL_MS = 40
const TAIL_BYTES = 16 * 1024

/** Appends; a file that has grown large is kept once as `<file>.1`. Returns the descriptor and where it ends. */
export const openLogFile = (file: string): { fd: number; size: number } => {
  if (sizeOf(file) > MAX_LOG_BYTES) renameSync(file, `${file}.1`)
  return { fd: openSync(file, 'a'), size: sizeOf(file) }
}

export const closeLogFile = (fd: number): void => closeSync(fd)

type Awaited = {
  readonly file: string
  readonly fromByte: number
  readonly pattern: RegExp
  readonly signal: AbortSignal
}

/** Resolves when the file has a match after `fromByte`; rejects when the signal fires first. */
export const waitForLogLine = async ({ file, fromByte, pattern, signal }: Awaited): Promise<void> => {
  for (;;) {
    throwIfAborted(signal)
    if (pattern.test(await readFrom(file, fromByte))) return
    await sleep(POLL_MS)
  }
}

export const readLastLines = async (
  file: string,
  count: number,
  fromByte = 0,
): Promise<readonly string[]> => {
  const text = await readFrom(file, Math.max(fromByte, sizeOf(file) - TAIL_BYTES))
  return text.split('\n').filter(Boolean).slice(-count)
}

const readFrom = async (file: string, fromByte: number): Promise<string> => {
  await using handle = await open(file, 'r')
  const { size } = await handle.stat()
  const { buffer, bytesRead } = await handle.read({
    buffer: Buffer.alloc(Math.max(0, size - fromByte)),
    position: fromByte,
  })
  return buffer.toString('utf8', 0, bytesRead)
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
