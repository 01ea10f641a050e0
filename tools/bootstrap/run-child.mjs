// Runs the script and is as little in its way as possible.
//
// Ctrl-C reaches both of us, because a terminal signals the whole foreground group; a service manager, `npm` or
// `kill` signals one process, and some signal the group and then each member as well. A script that takes a second
// signal for impatience must not see those echoes. So a script that watches its parent (cli/src/exit-with-parent.ts)
// is told over the IPC channel, once, and a little later than a signal of its own would have come; asking it twice
// changes nothing. A script that does not watch gets the signal itself, except a Ctrl-C, which it has already got.
//
// If we die without a word the channel closes, which the script sees. If whoever ran us dies (npm on SIGKILL, or
// the shell that npm put between us), our parent changes, which only polling shows; then the script is told to stop.
import { spawn } from 'node:child_process'

const echoMs = 300
const parentPollMs = 1000

export const runChild = ({ command, args, env }) => {
  const child = spawn(command, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...env, MILLRACE_PARENT_WATCH: '1' },
  })
  let isWatching = false
  child.on('message', (message) => (isWatching ||= message?.type === 'watching-parent'))

  const stop = (signal) => {
    if (!isWatching) child.kill(signal)
    else if (child.connected) child.send({ type: 'stop', signal }, () => {})
  }
  const onSignal = (signal) => {
    const hasGotIt = signal === 'SIGINT' && hasTerminal()
    if (!isWatching && hasGotIt) return
    setTimeout(stop, isWatching ? echoMs : 0, signal).unref()
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, onSignal)
  const polling = watchOwnParent(() => stop('SIGTERM'))

  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearInterval(polling)
      for (const name of signals) process.off(name, onSignal)
      if (signal) process.kill(process.pid, signal)
      process.exitCode = code ?? 1
      resolve()
    })
  })
}

const hasTerminal = () => [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)

// Only under npm: a script started with nohup from a shell outlives that shell on purpose.
const watchOwnParent = (onGone) => {
  if (!process.env.npm_lifecycle_event) return undefined
  const parent = process.ppid
  const polling = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(polling)
    onGone()
  }, parentPollMs)
  return polling.unref()
}
