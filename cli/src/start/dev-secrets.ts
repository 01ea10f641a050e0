import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const schema = z.object({ token: z.string().min(16), tokenSecret: z.string().min(32) })

export type DevSecrets = z.output<typeof schema>

const makeSecrets = (): DevSecrets => ({
  token: randomBytes(24).toString('base64url'),
  tokenSecret: randomBytes(48).toString('base64url'),
})

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
