import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const POLL_MS = 400

/** Tells how many bytes lie in a directory tree while another program writes there. Ends with the returned function. */
export const watchBytes = (directory: string, onBytes: (bytes: number) => void): (() => void) => {
  let isReading = false
  const read = async (): Promise<void> => {
    if (isReading) return
    isReading = true
    const bytes = await sizeOfTree(directory)
    isReading = false
    onBytes(bytes)
  }
  const timer = setInterval(() => void read(), POLL_MS)
  return () => clearInterval(timer)
}

/** Files that vanish while we look (renamed, cleaned up) count as nothing. */
export const sizeOfTree = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => (await stat(join(entry.parentPath, entry.name)).catch(() => null))?.size ?? 0),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
