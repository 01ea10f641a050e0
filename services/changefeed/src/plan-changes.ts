import { createHash } from 'node:crypto'
import { toMessageKey, topics } from '@millrace/events'
import { messageBytes, type OutgoingMessage } from '@millrace/kafka'
import type { Change, FeedRoute } from '@millrace/mongo'
import type { FoundChange } from './to-message.ts'

export type PlannedChange = {
  readonly id: string
  /** Of the message, as text. */
  readonly key: string
  readonly operation: Change['operation']
  /** Of the document; null when it is deleted. */
  readonly hash: string | null
  readonly message: OutgoingMessage
}

export type Plan = {
  readonly planned: readonly PlannedChange[]
  /** Changes that nobody can see. */
  readonly skipped: number
  /** Of documents that no message can have. */
  readonly tooLarge: readonly { readonly id: string; readonly key: string }[]
}

const ROOM_BYTES = 124 * 1024

/** What the messages of one send, or a single one, may have together; the rest is for what Kafka puts around. */
export const MAX_SEND_BYTES = topics['processes.changed'].maxMessageBytes - ROOM_BYTES

export type Publishing = {
  readonly route: HashedFor
  readonly toMessage: (change: FoundChange) => OutgoingMessage
}

/** What of these changes is published, and how. */
export const planChanges = (
  changes: readonly (Omit<FoundChange, 'key'> & Pick<Change, 'key'>)[],
  { route, toMessage }: Publishing,
): Plan => {
  const planned: PlannedChange[] = []
  const tooLarge: { id: string; key: string }[] = []
  let skipped = 0
  for (const change of changes) {
    if (!isSeen(change)) {
      skipped += 1
      continue
    }
    const { id, operation, after } = change
    const key = toMessageKey(change.key)
    const message = fitting(change, toMessage)
    if (message)
      planned.push({ id, key, operation, hash: after === null ? null : hashOf(route, after), message })
    else tooLarge.push({ id, key })
  }
  return { planned, skipped, tooLarge }
}

type Keyed<T> = T & Pick<FoundChange, 'key'>

/** Not when only members of the engine have moved, or in a read model somebody else has written. */
const isSeen = <T extends Pick<Change, 'key' | 'before' | 'after'>>(change: T): change is Keyed<T> =>
  change.key !== null && (change.before === null || change.before !== change.after)

/** With the document before only where both fit. */
const fitting = (
  change: FoundChange,
  toMessage: (change: FoundChange) => OutgoingMessage,
): OutgoingMessage | undefined => {
  const whole = toMessage(change)
  if (fits(whole)) return whole
  const half = toMessage({ ...change, before: null })
  return fits(half) ? half : undefined
}

const fits = (message: OutgoingMessage): boolean => messageBytes(message) <= MAX_SEND_BYTES

export type HashedFor = Pick<FeedRoute, 'topic' | 'incarnation'>

/** Of a document as this topic has it: of another one, or one that was made again, no shadow equals anything. */
export const hashOf = ({ topic, incarnation }: HashedFor, text: string): string =>
  createHash('sha256').update(`${topic} ${incarnation} ${text}`).digest('hex')

/** Of each key the last one: what the topic has of it in the end. */
export const lastOfEachKey = (planned: readonly PlannedChange[]): readonly PlannedChange[] => [
  ...new Map(planned.map((change) => [change.key, change])).values(),
]
