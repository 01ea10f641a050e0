/*
 * Two folds of one log, each at its own pace: a side goes on when a test says so, or, `before` each thing it is asked,
 * by a schedule. What it makes of a change can be falsified.
 */
import type { AnyProjection } from '@millrace/domain'
import { ordersByHour } from '@millrace/testkit'
import type { Side } from '../src/compare.ts'
import type { SourcePartial } from '../src/source.ts'

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

type Asked = 'keys' | 'read' | 'advance'

export class FakeSide implements Side {
  readonly projection = adding
  /** Another may be put in its place, for what comes from then on. */
  log: readonly Change[]
  before: (asked: Asked) => void = () => undefined
  /** How often each was asked. */
  readonly asked = { keys: 0, read: 0, advance: 0 }
  /** Listings of keys that have begun and neither ended nor were given up. */
  listings = 0
  #position = 0
  readonly #reached = new Map<string, number>()
  readonly #partials = new Map<string, Map<string, SourcePartial>>()

  constructor(log: readonly Change[], position = log.length) {
    this.log = log
    this.goTo(position)
  }

  /** Folds up to this change of the log, over all places. */
  goTo(position: number): this {
    for (const change of this.log.slice(this.#position, position)) this.#fold(change)
    this.#position = Math.max(this.#position, Math.min(position, this.log.length))
    return this
  }

  goOn = (changes: number): this => this.goTo(this.#position + changes)

  readonly source = {
    keys: () => this.#keys(),
    read: async (keys: readonly string[]) => {
      this.#isAsked('read')
      const documents = keys.map((key): [string, SourcePartial[]] => [key, this.#partialsOf(key)])
      return {
        documents: new Map(documents.filter(([, partials]) => partials.length > 0)),
        reached: new Map(this.#reached),
      }
    },
    advance: async () => this.#isAsked('advance'),
  }

  #isAsked(asked: Asked): void {
    this.asked[asked] += 1
    this.before(asked)
  }

  async *#keys(): AsyncGenerator<readonly string[]> {
    this.#isAsked('keys')
    this.listings += 1
    try {
      for (const key of this.#partials.keys()) if (this.#partialsOf(key).length > 0) yield [key]
    } finally {
      this.listings -= 1
    }
  }

  #partialsOf = (key: string): SourcePartial[] => [...(this.#partials.get(key)?.values() ?? [])]

  #fold({ place, key, part = '', add }: Change): void {
    const sequence = (this.#reached.get(place) ?? 0) + 1
    this.#reached.set(place, sequence)
    const partials = this.#partials.get(key) ?? new Map<string, SourcePartial>()
    this.#partials.set(key, partials)
    const id = `${part}/${place}`
    const { sum, count } = (partials.get(id)?.fields ?? { sum: 0, count: 0 }) as Doc
    if (add === 'delete') partials.delete(id)
    else partials.set(id, { place, sequence, fields: { sum: sum + add, count: count + 1 } })
  }
}
