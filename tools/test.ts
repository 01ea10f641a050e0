// npm test [-- step…] [-- path or Jest option…]: everything CI runs, in one command.

import { onParentGone } from '../cli/src/exit-with-parent.ts'
import { endRunningCommands } from './gate/run-command.ts'
import { runGate } from './gate/run-gate.ts'
import { summaryOf } from './gate/tally.ts'
import { startTestServers } from './test-servers.ts'

const print = (line: string): void => void process.stdout.write(`${line}\n`)

// The steps that still run end as failures, and the servers are stopped on the way out.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, endRunningCommands)
onParentGone(endRunningCommands)

const total = await runGate({ args: process.argv.slice(2), print, startServers: startTestServers })
print(summaryOf(total))
process.exitCode = total.failed > 0 ? 1 : 0
