import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

export type Script = {
  child: ChildProcess
  /** Everything printed so far. */
  output: () => string
  /** Resolves when the output contains the text; rejects when the script ends without it. */
  printed: (text: string) => Promise<void>
  ended: Promise<{ code: number | null; signal: string | null }>
}

export type ScriptOptions = { env?: Record<string, string>; cwd?: string; isOwnGroup?: boolean }

const environment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(NODE_OPTIONS|NODE_CHANNEL_FD|npm_.*|MILLRACE_.*)$/i.test(name),
  ),
)

export const urlOf = (pathInTools: string): string =>
  pathToFileURL(resolve(import.meta.dirname, '..', pathInTools)).href

/** Runs JavaScript in a Node process of its own. */
export const startScript = (source: string, { env, cwd, isOwnGroup }: ScriptOptions = {}): Script => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, ...env },
    detached: isOwnGroup ?? false,
    ...(cwd ? { cwd } : {}),
  })
  let output = ''
  const grown = new EventTarget()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += String(chunk)
      grown.dispatchEvent(new Event('grown'))
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => {
    grown.dispatchEvent(new Event('grown'))
    return { code: code as number | null, signal: signal as string | null }
  })
  const printed = (text: string): Promise<void> =>
    new Promise((done, fail) => {
      const look = (): void => {
        if (output.includes(text)) done()
      }
      grown.addEventListener('grown', look)
      void ended.then(() => fail(new Error(`ended without printing ${text}; it printed: ${output}`)))
      look()
    })
  return { child, output: () => output, printed, ended }
}
