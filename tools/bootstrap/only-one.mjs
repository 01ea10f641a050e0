// A lock between processes that survives their sudden death.
//
// The lock is a row of files `<path>.1`, `<path>.2`, …, each holding the process id of its owner, or nothing once
// it is released. Only the last one counts. Whoever finds it released, or its owner dead, may create the next
// number; `link` lets exactly one succeed and never shows a file without its content. The last file is never
// removed, so a number cannot come back to life, and whoever was slow to create an old number sees a higher one
// and gives way. (Deleting a stale lock and making it anew has a gap in which two can hold it.)
import { link, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 200
const longestWorkMs = 15 * 60_000

/** Runs `work` while no other process runs one under the same path. */
export const onlyOne = async (path, work) => {
  const own = await acquire(path)
  try {
    return await work()
  } finally {
    await writeFile(own, '')
  }
}

const acquire = async (path) => {
  const draft = `${path}.draft-${process.pid}`
  await writeFile(draft, String(process.pid))
  try {
    for (;;) {
      const last = (await numbersOf(path)).at(-1) ?? 0
      const isVacant = last === 0 || (await isFree(`${path}.${last}`))
      if (isVacant && (await claim({ path, draft, number: last + 1 }))) return `${path}.${last + 1}`
      if (!isVacant) await sleep(pollMs)
    }
  } finally {
    await rm(draft, { force: true })
  }
}

const claim = async ({ path, draft, number }) => {
  const own = `${path}.${number}`
  try {
    await link(draft, own)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  const numbers = await numbersOf(path)
  const isLast = numbers.at(-1) === number
  const obsolete = isLast ? numbers.filter((other) => other < number) : [number]
  for (const other of obsolete) await rm(`${path}.${other}`, { force: true })
  return isLast
}

const numbersOf = async (path) => {
  const prefix = `${basename(path)}.`
  return (await readdir(dirname(path)))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((left, right) => left - right)
}

const isFree = async (file) => {
  try {
    const owner = Number(await readFile(file, 'utf8'))
    if (owner === 0 || !isAlive(owner)) return true
    // A process id may have been given to somebody else since.
    return Date.now() - (await stat(file)).mtimeMs > longestWorkMs
  } catch (error) {
    if (error.code === 'ENOENT') return false
    throw error
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
