// node tools/bootstrap.mjs SCRIPT.ts [args]
//
// The door between the machine's own Node (20.10 or newer, whatever it is) and the code, which needs Node 24 for
// its type stripping. It makes sure that Node 24, pnpm and the dependencies are there, then runs the script and
// steps aside: same terminal, same directory, same exit code. When everything is there it costs a few
// milliseconds and prints nothing. Plain JavaScript without dependencies, because it runs before any exist.
import { realpathSync } from 'node:fs'
import { delimiter, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findNode } from './bootstrap/find-node.mjs'
import { installDependencies } from './bootstrap/install-dependencies.mjs'
import { runChild } from './bootstrap/run-child.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

export const bootstrap = async (script, args) => {
  try {
    const node = await findNode()
    const env = { ...process.env, PATH: [dirname(node), process.env.PATH].join(delimiter) }
    await installDependencies({ root, env })
    const flags = ['--conditions=source', '--disable-warning=ExperimentalWarning']
    await runChild({ command: node, args: [...flags, resolve(root, script), ...args], env })
  } catch (error) {
    console.error(`millrace: ${error.message}`)
    process.exitCode = 1
  }
}

const isEntry = process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
if (isEntry) {
  const [script, ...args] = process.argv.slice(2)
  if (script) await bootstrap(script, args)
  else {
    console.error('usage: node tools/bootstrap.mjs SCRIPT.ts [args]')
    process.exitCode = 64
  }
}
