import { spawn } from 'node:child_process'

/** Runs a command to its end; never rejects. `output` is what it wrote, both streams as they came. */
export const run = (command, args, options = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    child.on('error', (error) => resolve({ code: null, error, output }))
    child.on('close', (code) => resolve({ code, output }))
  })
