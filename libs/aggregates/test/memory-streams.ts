import { catalog, streamOf, type AnyContext, type SnapshotPolicy } from '@millrace/domain'
import { makeInMemoryCodec, type DomainEvent } from '@millrace/events'
import type { EventStore, LoadedStream, StoredEvent } from '@millrace/mongo'
import type { AggregateRef } from '../src/aggregate.ts'

export const products: AnyContext = catalog

export const withPolicy = (policy: Partial<SnapshotPolicy>): AnyContext => ({
  ...products,
  snapshots: { ...products.snapshots, ...policy },
})

export const codec = await makeInMemoryCodec()

export const refOf = (id: string, context = products): AggregateRef => ({ tenant: 'demo', context, id })

export const streamNameOf = (id: string) => ({ tenant: 'demo', stream: streamOf(products, id) })

const priceOf = (version: number) => ({ amount: version, currency: 'EUR' })

/** Of a product that is added and then gets another price with every event: its version, in cents. */
export const productEvent = (version: number): DomainEvent =>
  version === 1
    ? { type: 'ProductAdded', data: { name: 'lamp', category: 'home', price: priceOf(1) } }
    : { type: 'ProductRepriced', data: { price: priceOf(version) } }

export const stateAt = (version: number): unknown =>
  version === 0 ? products.decider.initialState : { status: 'listed', price: priceOf(version) }

type Commit = { readonly id: string; readonly first: number; readonly events: readonly StoredEvent[] }

/** Order of a commit is a second a version, so that every time can be told from every other. */
export const orderAt = (first: number): number => first * 1_000_000

/** The part of an event store that a fold reads, in pages of a few commits. */
export type MemoryStreams = Pick<EventStore, 'load'> & {
  /** Commits with so many events each; `history` tells apart what was written instead of what was lost. */
  write(id: string, sizes: readonly number[], history?: string): void
  /** The backup of a time when the stream was shorter. */
  restore(id: string, version: number): void
  /** How many events were handed out. */
  read(): number
}

export const memoryStreams = (commitsPerPage = 3): MemoryStreams => {
  const streams = new Map<string, Commit[]>()
  let handedOut = 0
  const commitsOf = (stream: string): Commit[] => streams.get(stream) ?? []
  const lastOf = ({ first, events }: Commit): number => first + events.length - 1

  const load = async ({ stream, after = 0, upTo = {} }: Parameters<EventStore['load']>[0]) => {
    const behind = commitsOf(stream).filter(
      ({ first }) =>
        first > after && first <= (upTo.version ?? first) && orderAt(first) <= (upTo.order ?? Infinity),
    )
    const page = behind.slice(0, commitsPerPage)
    const last = page.at(-1)
    const events = page.flatMap((commit) => commit.events)
    handedOut += events.length
    return {
      version: last ? lastOf(last) : after,
      order: last ? orderAt(last.first) : 0,
      lastCommitId: last?.id,
      lastCommitFirst: last?.first ?? 0,
      events,
      isComplete: behind.length < commitsPerPage,
    } satisfies LoadedStream
  }

  return {
    load,
    read: () => handedOut,
    write: (id, sizes, history = 'h') => {
      const { stream } = streamNameOf(id)
      const commits = [...commitsOf(stream)]
      for (const size of sizes) {
        const former = commits.at(-1)
        const first = former ? lastOf(former) + 1 : 1
        const events = Array.from({ length: size }, (_, index) => storedAt(first + index, history))
        commits.push({ id: `${history}-commit-${first}`, first, events })
      }
      streams.set(stream, commits)
    },
    restore: (id, version) => {
      const { stream } = streamNameOf(id)
      streams.set(
        stream,
        commitsOf(stream).filter((commit) => lastOf(commit) <= version),
      )
    },
  }
}

const storedAt = (version: number, history: string): StoredEvent => {
  const event = productEvent(version)
  return {
    id: `${history}-event-${version}`,
    type: event.type,
    version,
    occurredAt: version,
    bytes: codec.encode('catalog.product.events', event),
  }
}
