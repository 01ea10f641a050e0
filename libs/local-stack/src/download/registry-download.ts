import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StackContext } from '../stack-context.ts'
import { ensureArtefact, type Artefact } from './ensure-artefact.ts'
import { verifyManifest, type ManifestEntry } from './manifest.ts'
import { mavenRepository, runMaven } from './maven.ts'
import { runTool } from './run-tool.ts'

const VERSION = '3.0.9'
const COORDINATES = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`
const TARBALL: ManifestEntry = {
  sha256: '2b28181501a20cbf6efcd77f9b7153908fc01f3d3a7c32024c0bd9e1b04c8a43',
  bytes: 108_860_403,
  name: `apicurio-registry-app-${VERSION}-all.tar.gz`,
}
const RUNNER_JAR = `apicurio-registry-app-${VERSION}-runner.jar`
const LIBRARY_COUNT = 359
const MAVEN_BYTES = 5_000_000

/** The registry's runnable jar; its libraries lie beside it. */
export const ensureRegistry = async (context: StackContext): Promise<string> =>
  join(await ensureArtefact(registryArtefact(context), context), RUNNER_JAR)

const registryArtefact = (context: StackContext): Artefact => ({
  name: `apicurio-registry-${VERSION}`,
  step: `Download of the schema registry ${VERSION}`,
  downloadBytes: TARBALL.bytes + MAVEN_BYTES,
  diskBytes: TARBALL.bytes * 2 + 20_000_000,
  isComplete: async (directory) => {
    const files: string[] = await readdir(directory).catch(() => [])
    const libraries: string[] = await readdir(join(directory, 'lib')).catch(() => [])
    return files.includes(RUNNER_JAR) && libraries.length === LIBRARY_COUNT
  },
  download: (partial) =>
    runMaven(context, {
      goal: 'get',
      args: [`-Dartifact=${COORDINATES}`, '-Dtransitive=false'],
      cwd: partial,
    }),
  verify: async (partial) => {
    await removeMavenNotes(tarballDirectory(partial))
    await verifyManifest(tarballDirectory(partial), [TARBALL])
  },
  unpack: (partial) => unpack(context, partial),
})

const tarballDirectory = (partial: string): string =>
  join(mavenRepository(partial), 'io', 'apicurio', 'apicurio-registry-app', VERSION)

/** Beside the file Maven keeps its checksums and where it came from. */
const removeMavenNotes = async (directory: string): Promise<void> => {
  const names = await readdir(directory).catch(() => [])
  const notes = names.filter((name) => name !== TARBALL.name)
  await Promise.all(notes.map((name) => rm(join(directory, name), { recursive: true })))
}

const unpack = async (context: StackContext, partial: string): Promise<string> => {
  const target = join(partial, 'unpacked')
  await rm(target, { recursive: true, force: true })
  await mkdir(target, { recursive: true })
  await runTool({
    name: 'tar',
    command: 'tar',
    args: ['-xzf', join(tarballDirectory(partial), TARBALL.name), '-C', target],
    cwd: partial,
    env: context.env,
    guards: context.guards,
    signal: context.signal,
  })
  return target
}
