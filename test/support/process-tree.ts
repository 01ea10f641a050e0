import { readdir, readFile } from 'node:fs/promises'

type Entry = { readonly pid: number; readonly parent: number; readonly state: string }

const readEntry = async (name: string): Promise<Entry | undefined> => {
  const text = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return text === '' ? undefined : { pid: Number(name), state: fields[0] ?? '', parent: Number(fields[1]) }
}

const readTable = async (): Promise<Entry[]> => {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  return (await Promise.all(names.map(readEntry))).filter((entry) => entry !== undefined)
}

/** All processes below `pid`, itself included. */
export const descendantsOf = async (pid: number): Promise<number[]> => {
  const table = await readTable()
  const found = [pid]
  for (const known of found)
    found.push(...table.filter(({ parent }) => parent === known).map((entry) => entry.pid))
  return found
}

/** Those of `pids` that still run; a zombie does not. */
export const stillRunning = async (pids: readonly number[]): Promise<number[]> => {
  const table = await readTable()
  return table.filter(({ pid, state }) => pids.includes(pid) && state !== 'Z').map(({ pid }) => pid)
}
