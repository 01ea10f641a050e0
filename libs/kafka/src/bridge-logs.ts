import type { logCreator } from 'kafkajs'
import type { Logger } from '@millrace/runtime'

type Level = 'debug' | 'info' | 'warn'

// kafkajs calls "error" what it is about to try again; the rest comes back as a thrown error and is logged by
// whoever handles it. Its "info" tells of every pause and resume.
const LEVELS: Record<string, Level> = { ERROR: 'warn', WARN: 'warn', INFO: 'debug', DEBUG: 'debug' }

// Our producers give up after bounded retries on purpose: the caller sends again through a new producer.
const EXPECTED = 'Limiting retries for the idempotent producer'

const levelOf = (label: string, message: string): Level =>
  message.startsWith(EXPECTED) ? 'debug' : (LEVELS[label] ?? 'warn')

/** kafkajs log lines as ours: a constant message, what kafkajs said in the fields. */
export const bridgeLogs =
  (logger: Logger): logCreator =>
  () =>
  ({ namespace, label, log }) => {
    const { message, timestamp: _timestamp, logger: _name, stack: _stack, ...fields } = log
    logger[levelOf(label, message)]({ ...fields, kafkajs: message, namespace }, 'kafkajs reported')
  }
