import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DEVELOPMENT_MARK } from '@millrace/runtime'
import { z } from 'zod'

// A file from before the mark has secrets that production would take: new ones are made.
const schema = z.object({
  token: z.string().min(16).startsWith(DEVELOPMENT_MARK),
  tokenSecret: z.string().min(32).startsWith(DEVELOPMENT_MARK),
})

export type DevSecrets = z.output<typeof schema>

const makeSecret = (bytes: number): string => `${DEVELOPMENT_MARK}${randomBytes(bytes).toString('base64url')}`

const makeSecrets = (): DevSecrets => ({ token: makeSecret(24), tokenSecret: makeSecret(48) })

/** Secrets of this development home; kept, so that cursors and positions outlive a restart. */
export const loadDevSecrets = async (home: string): Promise<DevSecrets> => {
  const path = join(home, 'dev-secrets.json')
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    const secrets = makeSecrets()
    await writeFile(path, JSON.stringify(secrets), { mode: 0o600 })
    return secrets
  }
}
