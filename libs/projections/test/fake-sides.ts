/*
 * Two folds of one log, each at its own pace: a side goes on when a test says so, or, `before` each thing it is asked,
 * by a schedule. What it makes of a change can be falsified. Like a build it can be taken on in memory, if it `isInStore`.
 */
import type { AnyProjection } from '@millrace/domain'
import { ordersByHour } from '@millrace/testkit'
import type { Side } from '../src/compare.ts'
import type { Positions, Sight, SourcePartial } from '../src/source.ts'

/** Adds to a document, or deletes it. */
export type Change = {
  readonly place: string
  readonly key: string
  readonly part?: string
  readonly add: number | 'delete'
}

type Doc = { readonly sum: number; readonly count: number }

const addTogether = (one: Doc, other: Doc): Doc => ({
  sum: one.sum + other.sum,
  count: one.count + other.count,
})

/** Only its `merge` is looked at. */
export const adding = { ...ordersByHour, merge: addTogether } as unknown as AnyProjection

type Asked = 'keys' | 'read' | 'at'

/** What was made of the log so far. */
class State {
  readonly reached = new Map<string, number>()
  readonly #partials = new Map<string, Map<string, SourcePartial>>()

  partialsOf = (key: string): SourcePartial[] => [...(this.#partials.get(key)?.values() ?? [])]

  fold({ place, key, part = '', add }: Change): void {
    const sequence = (this.reached.get(place) ?? 0) + 1
    this.reached.set(place, sequence)
    const partials = this.#partials.get(key) ?? new Map<string, SourcePartial>()
    this.#partials.set(key, partials)
    const id = `${part}/${place}`
    const { sum, count } = (partials.get(id)?.fields ?? { sum: 0, count: 0 }) as Doc
    if (add === 'delete') partials.delete(id)
    else partials.set(id, { place, sequence, fields: { sum: sum + add, count: count + 1 } })
  }

  *keys(): Generator<string> {
    for (const key of this.#partials.keys()) if (this.partialsOf(key).length > 0) yield key
  }

  /** As it is now, of these documents. */
  only(keys: readonly string[]): State {
    const state = new State()
    for (const [place, sequence] of this.reached) state.reached.set(place, sequence)
    for (const key of keys) state.#partials.set(key, new Map(this.#partials.get(key)))
    return state
  }

  /** Folds what the log has behind it, up to these positions. */
  goTo(positions: Positions, log: readonly Change[]): void {
    const passed = new Map<string, number>()
    for (const change of log) {
      const { place } = change
      const sequence = (passed.get(place) ?? 0) + 1
      passed.set(place, sequence)
      const isNext = sequence > (this.reached.get(place) ?? 0) && sequence <= (positions.get(place) ?? 0)
      if (isNext) this.fold(change)
    }
  }
}

export class FakeSide implements Side {
  readonly projection = adding
  readonly log: readonly Change[]
  isInStore = true
  before: (asked: Asked) => void = () => undefined
  /** How often each was asked. */
  readonly asked = { keys: 0, read: 0, at: 0 }
  /** Listings of keys that have begun and neither ended nor were given up. */
  listings = 0
  #position = 0
  readonly #state = new State()

  constructor(log: readonly Change[], position = log.length) {
    this.log = log
    this.goTo(position)
  }

  /** Folds up to this change of the log, over all places. */
  goTo(position: number): this {
    for (const change of this.log.slice(this.#position, position)) this.#state.fold(change)
    this.#position = Math.max(this.#position, Math.min(position, this.log.length))
    return this
  }

  goOn = (changes: number): this => this.goTo(this.#position + changes)

  readonly source = {
    keys: () => this.#keys(),
    read: async (keys: readonly string[]) => {
      this.#isAsked('read')
      return this.#sightOf(this.#state.only(keys), keys)
    },
  }

  #sightOf(state: State, keys: readonly string[]): Sight {
    const documents = keys.map((key): [string, SourcePartial[]] => [key, state.partialsOf(key)])
    return {
      documents: new Map(documents.filter(([, partials]) => partials.length > 0)),
      reached: new Map(state.reached),
      at: async (positions) => {
        this.#isAsked('at')
        if (this.isInStore) state.goTo(positions, this.log)
        return this.#sightOf(state, keys)
      },
    }
  }

  #isAsked(asked: Asked): void {
    this.asked[asked] += 1
    this.before(asked)
  }

  async *#keys(): AsyncGenerator<readonly string[]> {
    this.#isAsked('keys')
    this.listings += 1
    try {
      for (const key of this.#state.keys()) yield [key]
    } finally {
      this.listings -= 1
    }
  }
}
