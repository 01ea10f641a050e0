// Generated from schemas/**/*.avsc by `npm run generate`. Do not edit.

/** Time has passed: written into every partition of a topic whose readers go by its clock, also when nothing else comes. */
export type ClockTicked = {
  /** Its writer sends the next one after so many milliseconds. */
  readonly everyMs: number
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

export type StoredDataByType = {
  readonly ClockTicked: ClockTicked
  readonly HeartbeatReceived: HeartbeatReceived
  readonly OrderCancelled: OrderCancelled
  readonly OrderDelivered: OrderDelivered
  readonly OrderPaid: OrderPaid
  readonly OrderPlaced: OrderPlaced
  readonly OrderReturned: OrderReturned
  readonly OrderShipped: OrderShipped
  readonly ProcessState: ProcessState
  readonly ProductAdded: ProductAdded
  readonly ProductRepriced: ProductRepriced
  readonly ProductRetired: ProductRetired
}

export type StoredType = keyof StoredDataByType

export const storedTypes = [
  'ClockTicked',
  'HeartbeatReceived',
  'OrderCancelled',
  'OrderDelivered',
  'OrderPaid',
  'OrderPlaced',
  'OrderReturned',
  'OrderShipped',
  'ProcessState',
  'ProductAdded',
  'ProductRepriced',
  'ProductRetired',
] as const satisfies readonly StoredType[]
