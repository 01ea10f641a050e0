/** What a download must consist of, to the byte. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LocalStackError } from '../local-stack-error.ts'

export type ManifestEntry = { readonly sha256: string; readonly bytes: number; readonly name: string }
export type Manifest = readonly ManifestEntry[]

/** Lines of `sha256 bytes name`. */
export const parseManifest = (text: string): Manifest =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [sha256 = '', bytes = '', name = ''] = line.trim().split(' ')
      return { sha256, bytes: Number(bytes), name }
    })

export const totalBytes = (manifest: Manifest): number => manifest.reduce((sum, { bytes }) => sum + bytes, 0)

/** Names that are missing, unexpected or of another size: cheap enough for every start. */
export const listDifferences = async (directory: string, manifest: Manifest): Promise<readonly string[]> => {
  const present = new Set(await readdir(directory).catch(() => []))
  const differing = await Promise.all(
    manifest.map(async ({ name, bytes }) => {
      if (!present.delete(name)) return `${name} is missing`
      const { size } = await stat(join(directory, name))
      return size === bytes ? null : `${name} has ${size} bytes instead of ${bytes}`
    }),
  )
  return [
    ...differing.filter((difference) => difference !== null),
    ...[...present].map((name) => `${name} is not expected`),
  ]
}

/** Throws unless the directory holds exactly the files of the manifest. */
export const verifyManifest = async (directory: string, manifest: Manifest): Promise<void> => {
  const differences = [...(await listDifferences(directory, manifest))]
  if (differences.length === 0) {
    for (const { name, sha256 } of manifest) {
      if ((await hashFile(join(directory, name))) !== sha256) differences.push(`${name} has another SHA-256`)
    }
  }
  if (differences.length === 0) return
  throw new LocalStackError(
    'checksum-mismatch',
    `The download is not what it should be: ${summarize(differences)}.`,
    {
      nextStep:
        'Start again. If it stays so, the mirror in your Maven or pip configuration serves other files: ask whoever runs it.',
    },
  )
}

const summarize = (differences: readonly string[]): string =>
  differences.slice(0, 3).join('; ') + (differences.length > 3 ? `; and ${differences.length - 3} more` : '')

const hashFile = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}
