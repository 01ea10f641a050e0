// A service ends in the reverse order of its beginning. main.ts registers a step right after it opened
// something; the first SIGTERM or SIGINT (or a call to `stop`) runs the steps from last to first, under one
// deadline. A second signal, or the deadline, ends the process at once with code 1: the promises do not rest
// on a clean end, only the waiting time of others does.

import { messageOf } from './platform-error.ts'
import type { Logger } from './logger.ts'

export type Shutdown = {
  /** Registers what undoes the thing just opened. */
  onStop(name: string, step: () => Promise<void> | void): void
  /** Runs the steps and ends the process with `exitCode`. Safe to call twice. */
  stop(reason: string, exitCode?: number): Promise<void>
}

type Step = { name: string; run: () => Promise<void> | void }

const withDeadline = async (work: Promise<void>, timeoutMs: number): Promise<'done' | 'late'> => {
  const deadline = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => deadline.resolve('late'), timeoutMs)
  try {
    return await Promise.race([work.then(() => 'done' as const), deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}

const runSteps = async (steps: Step[], logger: Logger): Promise<void> => {
  for (const step of steps.toReversed()) {
    try {
      await step.run()
    } catch (error) {
      logger.warn({ err: error, step: step.name }, 'shutdown step failed')
    }
  }
}

export const createShutdown = (options: {
  logger: Logger
  timeoutMs: number
  exit: (code: number) => void
}): Shutdown => {
  const { logger, timeoutMs, exit } = options
  const steps: Step[] = []
  let stopping: Promise<void> | undefined

  const stopOnce = async (reason: string, exitCode: number): Promise<void> => {
    logger.info({ reason }, 'service stopping')
    const outcome = await withDeadline(runSteps(steps, logger), timeoutMs)
    if (outcome === 'late') logger.error({ timeoutMs }, 'shutdown ran out of time')
    exit(outcome === 'late' ? 1 : exitCode)
  }

  const stop = (reason: string, exitCode = 0): Promise<void> => {
    stopping ??= stopOnce(reason, exitCode)
    return stopping
  }

  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) exit(1)
    void stop(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'uncaught exception')
    void stop(`uncaught exception: ${messageOf(error)}`, 1)
  })
  process.on('unhandledRejection', (error) => {
    logger.error({ err: error }, 'unhandled rejection')
    void stop(`unhandled rejection: ${messageOf(error)}`, 1)
  })

  return { onStop: (name, run) => void steps.push({ name, run }), stop }
}
