// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.

/** What became of a document. */
export type ChangeOperation = 'created' | 'updated' | 'deleted'

/** Whether a change was seen as it happened, or found by comparing the collection with what had been published: then several changes may have become one. */
export type ChangeOrigin = 'change' | 'reconciliation'

/** Time has passed: written into every partition of a topic whose readers go by its clock, also when nothing else comes. */
export type ClockTicked = {
  /** Its writer sends the next one after so many milliseconds. */
  readonly everyMs: number
}

/** A document of a collection is another one than before, as its changefeed saw it. */
export type DocumentChanged = {
  /** Name of the read model or collection. */
  readonly source: string
  /** Of the document, within its tenant. */
  readonly key: string
  /** What became of it. */
  readonly operation: ChangeOperation
  /** How it was found. */
  readonly origin: ChangeOrigin
  /** The database's time of it, UTC milliseconds, to the second. */
  readonly changedAt: number
  /** The document as it was, as JSON; null when it was not there, or nobody knows any more. */
  readonly before: string | null
  /** The document as it is, as JSON; null when it is not there any more. */
  readonly after: string | null
}

/** A running process said that it is alive. */
export type HeartbeatReceived = {
  /** Name of the machine. */
  readonly host: string
  /** Name of the program. */
  readonly name: string
  /** Process id on that machine. */
  readonly pid: number
  /** Start of the process, UTC milliseconds; tells a reused pid apart. */
  readonly startedAt: number
  /** When the process sent this, by its own clock, UTC milliseconds. */
  readonly at: number
  /** Counts the heartbeats of this process. */
  readonly beat: number
  /** Processor use in percent of one core; above 100 on several. */
  readonly cpu: number
  /** Resident memory in bytes. */
  readonly rss: number
}

/** An amount of money in one currency. */
export type Money = {
  /** Minor units of the currency (cents for EUR), never a fraction. */
  readonly amount: number
  /** ISO 4217 code, upper case. */
  readonly currency: string
}

/** An order was cancelled before it was shipped. */
export type OrderCancelled = {
  /** Who ordered. */
  readonly customerId: string
  /** Why, in the words of whoever asked for it. */
  readonly reason: string
  /** The sum of the order's lines. */
  readonly total: Money
  /** When the order was paid, UTC milliseconds; null when it was not paid. */
  readonly paidAt: number | null
}

/** An order reached its customer. */
export type OrderDelivered = {
  /** Who ordered. */
  readonly customerId: string
}

/** One line of an order. */
export type OrderLine = {
  /** The product, by its aggregate id in the catalog. */
  readonly productId: string
  /** Pieces. */
  readonly quantity: number
  /** Total of the line (not of one piece) in minor units of the order's currency. */
  readonly amount: number
}

/** An order was paid in full. */
export type OrderPaid = {
  /** Who ordered. */
  readonly customerId: string
  /** Means of payment, for example card. */
  readonly method: string
  /** The sum of the order's lines. */
  readonly total: Money
}

/** A customer placed an order. */
export type OrderPlaced = {
  /** Who ordered. */
  readonly customerId: string
  /** ISO 4217 code of every amount of this order, upper case. */
  readonly currency: string
  /** What was ordered, at least one line. */
  readonly lines: readonly OrderLine[]
}

/** A delivered order came back. */
export type OrderReturned = {
  /** Who ordered. */
  readonly customerId: string
  /** Why, in the words of whoever asked for it. */
  readonly reason: string
  /** The sum of the order's lines. */
  readonly total: Money
  /** When the order was paid, UTC milliseconds; null when it was not paid. */
  readonly paidAt: number | null
}

/** An order left for its customer. */
export type OrderShipped = {
  /** Who ordered. */
  readonly customerId: string
  /** Who transports it. */
  readonly carrier: string
  /** The carrier's number of the parcel; null when there is none. */
  readonly trackingId: string | null
}

/** The newest known state of a process. */
export type ProcessState = {
  /** Name of the machine. */
  readonly host: string
  /** Name of the program. */
  readonly name: string
  /** Process id on that machine. */
  readonly pid: number
  /** Start of the process, UTC milliseconds; tells a reused pid apart. */
  readonly startedAt: number
  /** What its heartbeats tell. */
  readonly status: ProcessStatus
  /** The process's own time of its newest heartbeat, UTC milliseconds. */
  readonly lastSeenAt: number
  /** Number of its newest heartbeat. */
  readonly beat: number
  /** Processor use at that heartbeat, in percent of one core. */
  readonly cpu: number
  /** Resident memory at that heartbeat, in bytes. */
  readonly rss: number
}

/** The last value that a key of process.state had when a snapshot was taken. */
export type ProcessStateSnapshot = {
  /** Of the process: `host:name:pid`. */
  readonly _key: string
  /** The value. */
  readonly doc: ProcessState
  /** The clock of heartbeats by which it was so, UTC milliseconds. */
  readonly _ts: number
  /** Offset of the value in its partition of process.state. */
  readonly _v: number
}

/** started: first heartbeat; alive: heartbeats arrive; stale: they are late; gone: they stopped. */
export type ProcessStatus = 'started' | 'alive' | 'stale' | 'gone'

/** A product came into the catalog. */
export type ProductAdded = {
  /** What customers read. */
  readonly name: string
  /** The shelf it stands on. */
  readonly category: string
  /** Price of one piece. */
  readonly price: Money
}

/** A product has a new price. */
export type ProductRepriced = {
  /** Price of one piece from now on. */
  readonly price: Money
}

/** A product left the catalog for good. */
export type ProductRetired = Readonly<Record<string, never>>

/** A pass of the compactor over one partition is complete: what stands before this, and the source from `nextOffset` on, are all last values. */
export type SnapshotTaken = {
  /** The source. */
  readonly topic: string
  /** Of the source, and of the snapshot. */
  readonly partition: number
  /** Of the source, when the pass began: the first record that may be missing. */
  readonly nextOffset: number
  /** How often source and snapshot had to be created: a number below one that was seen before is never right. */
  readonly incarnation: number
  /** When the pass was complete, UTC milliseconds. */
  readonly takenAt: number
}

export type StoredDataByType = {
  readonly ClockTicked: ClockTicked
  readonly DocumentChanged: DocumentChanged
  readonly HeartbeatReceived: HeartbeatReceived
  readonly OrderCancelled: OrderCancelled
  readonly OrderDelivered: OrderDelivered
  readonly OrderPaid: OrderPaid
  readonly OrderPlaced: OrderPlaced
  readonly OrderReturned: OrderReturned
  readonly OrderShipped: OrderShipped
  readonly ProcessState: ProcessState
  readonly ProcessStateSnapshot: ProcessStateSnapshot
  readonly ProductAdded: ProductAdded
  readonly ProductRepriced: ProductRepriced
  readonly ProductRetired: ProductRetired
  readonly SnapshotTaken: SnapshotTaken
}

export type StoredType = keyof StoredDataByType

export const storedTypes = [
  'ClockTicked',
  'DocumentChanged',
  'HeartbeatReceived',
  'OrderCancelled',
  'OrderDelivered',
  'OrderPaid',
  'OrderPlaced',
  'OrderReturned',
  'OrderShipped',
  'ProcessState',
  'ProcessStateSnapshot',
  'ProductAdded',
  'ProductRepriced',
  'ProductRetired',
  'SnapshotTaken',
] as const satisfies readonly StoredType[]
