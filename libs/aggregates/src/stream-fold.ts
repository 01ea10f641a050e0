import type { AnyContext } from '@millrace/domain'
import { readStored, type Codec, type DomainEvent } from '@millrace/events'
import type { EventStore, LoadedStream, StoredEvent, UpTo } from '@millrace/mongo'
import { absent, streamIdOf, type Aggregate, type AggregateRef } from './aggregate.ts'

export type FoldDeps = {
  readonly store: Pick<EventStore, 'load'>
  readonly codec: Pick<Codec, 'writerIdOf' | 'ensureWriters' | 'decode' | 'newestTypeOf'>
}

/** An aggregate with what names its last event; that is missing when a fold went on from one and nothing lay behind. */
export type Tip = Aggregate & {
  /** Version of the last commit's first event. */
  readonly lastCommitFirst?: number
  readonly lastEventId?: string | undefined
}

export type Visit = (event: StoredEvent, state: unknown) => void

export type FoldOptions = {
  readonly from?: Tip
  /** Already read: what lies behind `from`, or behind a commit before it. */
  readonly page?: LoadedStream | undefined
  readonly upTo?: UpTo
  /** Is told the state after each event. */
  readonly visit?: Visit
}

/** Throws DecodeError and ImpossibleEventError. */
export type StreamFold = {
  extend(context: AnyContext, from: Tip, page: LoadedStream): Promise<Tip>
  /** To the end of the stream, or up to a bound: the events of a commit that reaches beyond it are left out. */
  run(ref: AggregateRef, options?: FoldOptions): Promise<Tip>
}

type Step = { readonly stored: StoredEvent; readonly event: DomainEvent & { readonly occurredAt: number } }

type Extension = { readonly from: Tip; readonly page: LoadedStream; readonly visit?: Visit | undefined }

export const makeStreamFold = ({ store, codec }: FoldDeps): StreamFold => {
  const decode = async ({ topic }: AnyContext, events: readonly StoredEvent[]): Promise<Step[]> => {
    await codec.ensureWriters(events.map(({ bytes }) => codec.writerIdOf(bytes)))
    return events.map((stored) => ({
      stored,
      event: { ...readStored(codec, topic, stored), occurredAt: stored.occurredAt },
    }))
  }

  const extend = async (context: AnyContext, { from, page, visit }: Extension): Promise<Tip> => {
    if (page.lastCommitId === undefined) return from
    const behind = page.events.filter(({ version }) => version > from.version)
    let { state } = from
    for (const { stored, event } of await decode(context, behind)) {
      state = context.decider.evolve(state, event)
      visit?.(stored, state)
    }
    const { version, order, lastCommitId, lastCommitFirst } = page
    return { version, order, lastCommitId, lastCommitFirst, lastEventId: page.events.at(-1)?.id, state }
  }

  return {
    extend: (context, from, page) => extend(context, { from, page }),
    run: async (ref, { from = absent(ref.context), page, upTo = {}, visit } = {}) => {
      let tip = from
      let next = page
      for (;;) {
        next ??= await store.load({ ...streamIdOf(ref), after: tip.version, upTo })
        tip = await extend(ref.context, { from: tip, page: withoutBeyond(next, upTo), visit })
        if (next.isComplete) return tip
        next = undefined
      }
    },
  }
}

const withoutBeyond = (page: LoadedStream, { version }: UpTo): LoadedStream =>
  version === undefined || page.version <= version
    ? page
    : { ...page, events: page.events.filter((event) => event.version <= version) }
