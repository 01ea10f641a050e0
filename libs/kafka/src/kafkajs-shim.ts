/**
 * The only door to kafkajs 2.2.4, which is frozen. Two of its functions must be replaced, and both before the
 * modules that use them are loaded, so kafkajs is required here, after the replacement, and nowhere else:
 *
 * 1. RequestQueue.scheduleCheckPendingRequests re-arms a timer with a negative delay for as long as a connection
 *    is open: about 900 wake-ups a second, per connection, while idle. Here: no timer unless something waits.
 * 2. groupMessagesPerPartition copies an array per message, which is quadratic: one send of 20,000 messages blocks
 *    the event loop for more than a second, and no heartbeat goes out. Here: linear.
 *
 * The functions were read in 2.2.4. Any other version, a function that is missing, or one that behaves otherwise
 * than what was read stops the process at start instead of surprising it later.
 */
import { createRequire } from 'node:module'

type RequestQueue = {
  pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}
type Message = { readonly partition?: number }
type Grouping = (input: {
  topic: string
  partitionMetadata: readonly unknown[]
  messages: readonly Message[]
  partitioner: (input: { message: Message }) => number
}) => Record<number, Message[]>

const SUPPORTED_VERSION = '2.2.4'
const RECHECK_MS = 10
const REQUEST_QUEUE = 'kafkajs/src/network/requestQueue/index.js'
const GROUPING = 'kafkajs/src/producer/groupMessagesPerPartition.js'
const GROUPING_USER = 'kafkajs/src/producer/sendMessages.js'

const load = createRequire(import.meta.url)

/** As in kafkajs, but idle when nothing waits: requests in flight check the queue when they are answered. */
export function scheduleOnlyWhenPending(this: RequestQueue): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId) return
  const delayMs = Math.max(this.throttledUntil - Date.now(), RECHECK_MS)
  this.throttleCheckTimeoutId = setTimeout(() => {
    this.throttleCheckTimeoutId = null
    this.checkPendingRequests()
  }, delayMs)
}

/** As in kafkajs, but one push per message. */
export const groupLinearly: Grouping = ({ topic, partitionMetadata, messages, partitioner }) => {
  const groups: Record<number, Message[]> = {}
  if (partitionMetadata.length === 0) return groups
  for (const message of messages) {
    const input = { topic, partitionMetadata, message }
    const group = (groups[partitioner(input)] ??= [])
    group.push(message)
  }
  return groups
}

const changed = (what: string): Error =>
  new Error(
    `kafkajs ${SUPPORTED_VERSION} was expected, but ${what}; check libs/kafka/src/kafkajs-shim.ts against it`,
  )

const assertVersion = (): void => {
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== SUPPORTED_VERSION) throw changed(`version ${version} is installed`)
}

const patchRequestQueue = (): void => {
  const { prototype } = load(REQUEST_QUEUE) as { prototype?: Record<string, unknown> }
  if (prototype?.['scheduleCheckPendingRequests'] === scheduleOnlyWhenPending) return
  for (const name of [
    'scheduleCheckPendingRequests',
    'checkPendingRequests',
    'canSendSocketRequestImmediately',
  ])
    if (typeof prototype?.[name] !== 'function') throw changed(`RequestQueue has no ${name}`)
  Object.assign(prototype ?? {}, { scheduleCheckPendingRequests: scheduleOnlyWhenPending })
}

const assertGroupsAlike = (original: Grouping): void => {
  const messages = [0, 2, 0, 1].map((partition) => ({ partition }))
  const sample = {
    topic: 'probe',
    partitionMetadata: [{}],
    messages,
    partitioner: ({ message }: { message: Message }) => message.partition ?? 0,
  }
  if (JSON.stringify(original(sample)) !== JSON.stringify(groupLinearly(sample)))
    throw changed('groupMessagesPerPartition groups differently')
}

const patchGrouping = (): void => {
  const original = load(GROUPING) as Grouping
  if (original === groupLinearly) return
  if (typeof original !== 'function') throw changed('groupMessagesPerPartition is not a function')
  assertGroupsAlike(original)
  if (load.cache[load.resolve(GROUPING_USER)]) throw new Error('kafkajs was loaded before its shim')
  const module = load.cache[load.resolve(GROUPING)]
  if (!module) throw changed('its modules are not in the module cache')
  module.exports = groupLinearly
  if (load(GROUPING) !== groupLinearly) throw changed('its modules cannot be replaced')
}

/** Loads kafkajs with both replacements in place. Safe to call again. */
export const loadKafkajs = (): typeof import('kafkajs') => {
  assertVersion()
  patchRequestQueue()
  patchGrouping()
  return load('kafkajs') as typeof import('kafkajs')
}

export const kafkajs = loadKafkajs()
