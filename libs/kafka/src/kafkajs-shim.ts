/**
 * The only door to kafkajs 2.2.4, which is frozen. Some of its functions must be replaced, and most of them before the
 * modules that use them are loaded, so kafkajs is required here, after the replacement, and nowhere else:
 *
 * 1. RequestQueue.scheduleCheckPendingRequests re-arms a timer with a negative delay for as long as a connection
 *    is open: about 900 wake-ups a second, per connection, while idle. Here: no timer unless something waits.
 * 2. groupMessagesPerPartition copies an array per message, which is quadratic: one send of 20,000 messages blocks
 *    the event loop for more than a second, and no heartbeat goes out. Here: linear.
 * 3. Encoding and decoding of records take many times longer than they need to; see kafkajs-records.ts.
 * 4. What several consumers fetch is decoded for each of them. Here: once; see shared-batches.ts.
 * 5. Cluster.findGroupCoordinatorMetadata finds no coordinator while no broker answers, and calls that final: a consumer
 *    that looks for one in an outage ends for good. Here: it may be tried again, like everything in an outage.
 *
 * The functions were read in 2.2.4. Any other version, a function that is missing, or one that does something else
 * with a sample than its replacement, stops the process at start instead of surprising it later. (Of 4 only the number of
 * parameters is compared: it calls the original.)
 */
import { createRequire } from 'node:module'
import { isDeepStrictEqual } from 'node:util'
import {
  type RecordDecoder,
  type RecordEncoder,
  makeRecordDecoder,
  makeRecordEncoder,
  withBytes,
} from './kafkajs-records.ts'
import { makeBatchDecoder, sharedBatches, type BatchDecoder, type BytesDecoder } from './shared-batches.ts'

type RequestQueue = {
  pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
}
type FindCoordinator = (this: unknown, wanted: unknown) => Promise<unknown>
type DecoderClass = new (buffer: Buffer) => BytesDecoder & { offset: number }
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
const CLUSTER = 'kafkajs/src/cluster/index.js'
const GROUPING = 'kafkajs/src/producer/groupMessagesPerPartition.js'
const GROUPING_USER = 'kafkajs/src/producer/sendMessages.js'
const ENCODER = 'kafkajs/src/protocol/recordBatch/record/v0/index.js'
const ENCODER_USER = 'kafkajs/src/protocol/requests/produce/v3/request.js'
const DECODER = 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js'
const BATCH_DECODER = 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
const BATCH_DECODER_USER = 'kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js'
const BYTES_DECODER = 'kafkajs/src/protocol/decoder.js'
const REPLACED = Symbol.for('millrace.kafkajs-replacement')

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

/** As in kafkajs, but what it throws for want of a broker is retriable. */
const findRetriably = (find: FindCoordinator): FindCoordinator =>
  async function (this: unknown, wanted) {
    try {
      return await find.call(this, wanted)
    } catch (error) {
      if (error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound')
        Object.assign(error, { retriable: true })
      throw error
    }
  }

const changed = (what: string): Error =>
  new Error(
    `kafkajs ${SUPPORTED_VERSION} was expected, but ${what}; compare it with what libs/kafka replaces`,
  )

const assertVersion = (): void => {
  const { version } = load('kafkajs/package.json') as { version: string }
  if (version !== SUPPORTED_VERSION) throw changed(`version ${version} is installed`)
}

const replaceScheduling = (): void => {
  const { prototype } = load(REQUEST_QUEUE) as { prototype?: Record<string, unknown> }
  for (const name of [
    'scheduleCheckPendingRequests',
    'checkPendingRequests',
    'canSendSocketRequestImmediately',
  ])
    if (typeof prototype?.[name] !== 'function') throw changed(`RequestQueue has no ${name}`)
  Object.assign(prototype ?? {}, { scheduleCheckPendingRequests: scheduleOnlyWhenPending })
}

const replaceSearch = (): void => {
  const { prototype } = load(CLUSTER) as { prototype?: Record<string, FindCoordinator & object> }
  const find = prototype?.['findGroupCoordinatorMetadata']
  if (typeof find !== 'function') throw changed('Cluster has no findGroupCoordinatorMetadata')
  if (REPLACED in find) return
  const replacement = Object.assign(findRetriably(find), { [REPLACED]: true })
  Object.assign(prototype ?? {}, { findGroupCoordinatorMetadata: replacement })
}

type Replacement<Fn> = {
  readonly path: string
  /** The module that takes the function in when it is loaded. */
  readonly user: string
  readonly make: (original: Fn) => Fn
  /** What both must agree on. */
  readonly sample: (fn: Fn) => unknown
}

const replace = <Fn extends object>({ path, user, make, sample }: Replacement<Fn>): void => {
  const original = load(path) as Fn
  if (REPLACED in original) return
  if (typeof original !== 'function') throw changed(`${path} is not a function`)
  if (load.cache[load.resolve(user)])
    throw new Error(`${user} was loaded before it could be given a new ${path}`)
  const replacement = make(original)
  if (!isDeepStrictEqual(sample(original), sample(replacement))) throw changed(`${path} does something else`)
  const module = load.cache[load.resolve(path)]
  if (!module) throw changed(`${path} is not in the module cache`)
  module.exports = Object.assign(replacement, { [REPLACED]: true })
  if (load(path) !== replacement) throw changed(`${path} cannot be replaced`)
}

const sampleGroups = (group: Grouping): unknown =>
  group({
    topic: 'sample',
    partitionMetadata: [{}],
    messages: [0, 2, 0, 1].map((partition) => ({ partition })),
    partitioner: ({ message }) => message.partition ?? 0,
  })

const SAMPLE = {
  offsetDelta: 300,
  timestampDelta: -70_000,
  key: 'demo/ü',
  value: Buffer.from('value'),
  headers: { text: 'ä'.repeat(100), bytes: Buffer.from([1, 2]), empty: '' },
}

const sampleRecords = (encode: RecordEncoder): string[] =>
  [SAMPLE, { value: null }, { ...SAMPLE, key: null, headers: { twice: ['a', 'b'] } }].map((record) =>
    encode(record).buffer.toString('hex'),
  )

/** Given the encoder of kafkajs itself, so that neither replacement vouches for the other. */
const makeSampleDecoding =
  (encode: RecordEncoder) =>
  (decode: RecordDecoder): unknown =>
    [0, 1].map((timestampType) => {
      const { buffer } = encode(SAMPLE)
      const lengthBytes = buffer.findIndex((byte) => byte < 128) + 1
      const context = { firstOffset: '5', firstTimestamp: '1700000000000', maxTimestamp: '1700000000009' }
      const decoded = decode(
        Object.assign(new (load(BYTES_DECODER) as DecoderClass)(buffer), {
          offset: lengthBytes,
        }),
        { ...context, timestampType, magicByte: 2 },
      )
      return withBytes(decoded)
    })

/** Loads kafkajs with everything replaced. Safe to call again. */
export const loadKafkajs = (): typeof import('kafkajs') => {
  assertVersion()
  replaceScheduling()
  replace({ path: GROUPING, user: GROUPING_USER, make: () => groupLinearly, sample: sampleGroups })
  const sampleDecoding = makeSampleDecoding(load(ENCODER) as RecordEncoder)
  replace({ path: DECODER, user: BATCH_DECODER, make: makeRecordDecoder, sample: sampleDecoding })
  replace<BatchDecoder>({
    path: BATCH_DECODER,
    user: BATCH_DECODER_USER,
    make: makeBatchDecoder(sharedBatches, (bytes) => new (load(BYTES_DECODER) as DecoderClass)(bytes)),
    // It calls the original, and nothing else.
    sample: (decode) => decode.length,
  })
  replace({ path: ENCODER, user: ENCODER_USER, make: makeRecordEncoder, sample: sampleRecords })
  replaceSearch()
  return load('kafkajs') as typeof import('kafkajs')
}

export const kafkajs = loadKafkajs()
