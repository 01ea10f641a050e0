import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCacheDir } from '@millrace/local-stack'
import { inheritedEnv } from '../../support/config.ts'
import type { KnownData } from './known-data.ts'

const REQUIREMENTS = fileURLToPath(new URL('requirements.txt', import.meta.url))
const CONFIG = fileURLToPath(new URL('schemathesis.toml', import.meta.url))

type Ran = { readonly code: number | null; readonly output: string }

type Place = { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> }

const run = async (command: string, args: readonly string[], { cwd, env = {} }: Place = {}): Promise<Ran> => {
  const child = spawn(command, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...inheritedEnv(), ...env },
  })
  const chunks: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output: Buffer.concat(chunks).toString() }
}

const must = async (command: string, args: readonly string[]): Promise<void> => {
  const { code, output } = await run(command, args)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${output}`)
}

/** A virtual environment with the pinned packages, made once per list of them; gives its Python. */
const installed = async (): Promise<string> => {
  const version = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12)
  const cache = readCacheDir(inheritedEnv())
  const home = join(cache, `schemathesis-${version}`)
  const python = join(home, 'bin', 'python')
  // Written last; an environment knows its own path, so it cannot be made elsewhere and moved.
  const mark = join(home, 'complete')
  if (existsSync(mark)) return python
  await rm(home, { recursive: true, force: true })
  await mkdir(cache, { recursive: true })
  await must('python3', ['-m', 'venv', home])
  await must(python, ['-m', 'pip', 'install', '--quiet', '--no-input', '-r', REQUIREMENTS])
  await writeFile(mark, '')
  return python
}

export type Fuzzing = {
  readonly url: string
  readonly token: string
  readonly known: KnownData
  /** Requests per operation and phase, at most. */
  readonly examples: number
  readonly seed: number
}

/** Whether all checks held, and Schemathesis' own report. */
export const runSchemathesis = async (fuzzing: Fuzzing): Promise<{ held: boolean; report: string }> => {
  const { url, token, known, examples, seed } = fuzzing
  const python = await installed()
  // It leaves files where it runs.
  const folder = await mkdtemp(join(tmpdir(), 'millrace-fuzz-'))
  const args = [
    ...['-m', 'schemathesis.cli', '--config-file', CONFIG, 'run', `${url}/openapi.json`],
    ...['--header', `Authorization: Bearer ${token}`],
    ...['--max-examples', String(examples), '--seed', String(seed), '--no-color'],
  ]
  try {
    const { code, output } = await run(python, args, { cwd: folder, env: known })
    return { held: code === 0, report: output }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
