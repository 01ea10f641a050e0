/**
 * A replica set of one member, as a development machine runs it: transactions and change streams need a
 * replica set. The member's address is part of the set's stored configuration; when the server comes back
 * on another port it does not recognise itself there, so the configuration is then replaced by force.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient, MongoNetworkError, MongoServerError } from 'mongodb'

const SET_NAME = 'rs0'
/** A server whose former port now belongs to a program that says nothing looks for itself there for 30 s. */
const DEFAULT_TIMEOUT_MS = 75_000
const CONNECT_TIMEOUT_MS = 5_000
const POLL_MS = 50
const ALREADY_INITIALIZED = 23
/** InterruptedDueToReplStateChange, NotWritablePrimary, PrimarySteppedDown, ConfigurationInProgress, NotYetInitialized. */
const STATE_CHANGE_CODES = new Set([11602, 10107, 189, 109, 94])

type ReplicaSetWish = {
  /** Of the one server, with directConnection=true. */
  readonly url: string
  /** host:port under which clients reach it. */
  readonly host: string
  readonly timeoutMs?: number
  /** Gives up early. */
  readonly signal?: AbortSignal
}

type StoredConfig = { readonly version: number; readonly members: readonly { readonly host: string }[] }

/** Resolves when the server is the writable primary of its set. Doing it again changes nothing. */
export const initiateReplicaSet = async (wish: ReplicaSetWish): Promise<void> => {
  const { url, host, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = wish
  const client = new MongoClient(url, { serverSelectionTimeoutMS: timeoutMs })
  signal?.addEventListener('abort', () => void client.close(), { once: true })
  const deadline = performance.now() + timeoutMs
  try {
    while (!(await becomePrimary(client, host))) {
      if (signal?.aborted || performance.now() > deadline) throw new Error(`no primary after ${timeoutMs} ms`)
      await sleep(POLL_MS)
    }
  } finally {
    await client.close()
  }
}

/** False when it has to be asked again. A server that changes its state closes its connections. */
const becomePrimary = async (client: MongoClient, host: string): Promise<boolean> => {
  try {
    if (!(await initiate(client, host))) await moveToHost(client, host)
    const hello = await client.db('admin').command({ hello: 1 })
    return hello['isWritablePrimary'] === true
  } catch (error) {
    if (error instanceof MongoNetworkError) return false
    if (error instanceof MongoServerError && error.hasErrorLabel('RetryableWriteError')) return false
    if (error instanceof MongoServerError && STATE_CHANGE_CODES.has(Number(error.code))) return false
    throw error
  }
}

/** Throws when nothing answers there. */
export const pingMongo = async (url: string, timeoutMs = CONNECT_TIMEOUT_MS): Promise<void> => {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: timeoutMs, connectTimeoutMS: timeoutMs })
  try {
    await client.db('admin').command({ ping: 1 })
  } finally {
    await client.close()
  }
}

/** False when the server already belongs to a set. */
const initiate = async (client: MongoClient, host: string): Promise<boolean> => {
  try {
    await client.db('admin').command({ replSetInitiate: { _id: SET_NAME, members: [{ _id: 0, host }] } })
    return true
  } catch (error) {
    if (error instanceof MongoServerError && error.code === ALREADY_INITIALIZED) return false
    throw error
  }
}

const moveToHost = async (client: MongoClient, host: string): Promise<void> => {
  const stored = await client.db('local').collection<StoredConfig>('system.replset').findOne({})
  if (stored === null || stored.members[0]?.host === host) return
  const config = {
    ...stored,
    version: stored.version + 1,
    members: stored.members.slice(0, 1).map((member) => ({ ...member, host })),
  }
  await client.db('admin').command({ replSetReconfig: config, force: true })
}
