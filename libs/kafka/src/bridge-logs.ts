import type { logCreator } from 'kafkajs'
import type { Logger } from '@millrace/runtime'

type Level = 'debug' | 'info' | 'warn'

// kafkajs calls "error" what it is about to try again; the rest comes back as a thrown error and is logged by
// whoever handles it. Its "info" tells of every pause and resume.
const LEVELS: Record<string, Level> = { ERROR: 'warn', WARN: 'warn', INFO: 'debug', DEBUG: 'debug' }

const EXPECTED = [
  // Our producers give up after bounded retries on purpose: the caller sends again through a new producer.
  'Limiting retries for the idempotent producer',
  // A transaction begins while the broker still finishes the one before; kafkajs tries again.
  'The producer attempted to update a transaction while another concurrent operation',
]

const levelOf = (label: string, said: string): Level =>
  EXPECTED.some((text) => said.includes(text)) ? 'debug' : (LEVELS[label] ?? 'warn')

/** kafkajs log lines as ours: a constant message, what kafkajs said in the fields. */
export const bridgeLogs =
  (logger: Logger): logCreator =>
  () =>
  ({ namespace, label, log }) => {
    const { message, timestamp: _timestamp, logger: _name, stack: _stack, ...fields } = log
    const level = levelOf(label, `${message} ${String(fields['error'] ?? '')}`)
    logger[level]({ ...fields, kafkajs: message, namespace }, 'kafkajs reported')
  }
