import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { CommandError, EXIT } from './exit-codes.ts'

const serviceEntry = z.object({
  url: z.string().nullable(),
  admin: z.string().nullable(),
  pid: z.number().nullable(),
})

const runSchema = z.object({
  pid: z.number(),
  /** Of the development principal; null where callers need one of an identity provider. */
  token: z.string().nullable(),
  urls: z.object({ kafka: z.string(), mongo: z.string(), registry: z.string() }),
  services: z.record(z.string(), serviceEntry),
})

/** What a development run tells scripts and the command line, in `.millrace/run.json`. */
export type Run = z.output<typeof runSchema>
export type RunService = Run['services'][string]

const pathIn = (home: string): string => join(home, 'run.json')

/** Readers see the old file or the new one, never half of one. Holds a token, so it is for the owner only. */
export const writeRun = async (home: string, run: Run): Promise<void> => {
  const path = pathIn(home)
  await writeFile(`${path}.${process.pid}`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.${process.pid}`, path)
}

export const removeRun = (home: string): Promise<void> => rm(pathIn(home), { force: true })

export const readRun = async (home: string): Promise<Run> => {
  try {
    return runSchema.parse(JSON.parse(await readFile(pathIn(home), 'utf8')))
  } catch (error) {
    const message = 'Millrace is not running here: start it with `npm start`, or name the service with --url'
    throw new CommandError(
      error instanceof z.ZodError ? `${pathIn(home)} is of another version` : message,
      EXIT.unavailable,
    )
  }
}

const isAlive = async (run: Run): Promise<boolean> => {
  const admin = run.services['command-api']?.admin
  if (!admin) return false
  return fetch(new URL('/livez', admin)).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** One home, one run: a second one would take over run.json, and remove it at its end. */
export const refuseIfRunning = async (home: string): Promise<void> => {
  const run = await readRun(home).catch(() => undefined)
  if (!run || !(await isAlive(run))) return
  const next = `use that one, end it (kill ${run.pid}), or set MILLRACE_HOME to another directory`
  throw new CommandError(`process ${run.pid} already runs Millrace in ${home}: ${next}`)
}
