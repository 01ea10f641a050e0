import type { Document } from '@millrace/domain'
import type { DocumentWrite, StoredPartial } from '@millrace/mongo'
import type { PlacedEntry } from './fold-batch.ts'
import { isThere, type SourcePartial } from './source.ts'

type Folded = SourcePartial & { readonly fields: Document | null }

/** Documents in memory, by `<tenant>/<key>` and, since grouped ones have several partials, by `_id`. */
export class FoldedDocuments {
  readonly #byKey: Map<string, Map<string, Folded>>

  /** Of a build: what it has stored was made by a fold. */
  constructor(stored: ReadonlyMap<string, readonly StoredPartial[]> = new Map()) {
    this.#byKey = new Map([...stored].map(([key, partials]) => [key, byId(partials)]))
  }

  /** Of those that there are: what was deleted is remembered, with its sequence. */
  keys(): string[] {
    return [...this.#byKey].filter(([, partials]) => [...partials.values()].some(isThere)).map(([key]) => key)
  }

  partials(key: string): readonly Folded[] {
    return [...(this.#byKey.get(key)?.values() ?? [])]
  }

  /** Those that the entries touch, by `_id`, and whose they are. */
  touched(entries: readonly PlacedEntry[]): { stored: Map<string, Document>; keys: Map<string, string> } {
    const stored = new Map<string, Document>()
    const keys = new Map<string, string>()
    for (const [id, key] of entries.flatMap(placesOf)) {
      const document = this.#byKey.get(key)?.get(id)?.fields
      if (document) stored.set(id, document)
      keys.set(id, key)
    }
    return { stored, keys }
  }

  put({ id, sequence, fields }: DocumentWrite, { key, place }: { key: string; place: string }): void {
    const partials = this.#byKey.get(key) ?? new Map<string, Folded>()
    // What a fold makes is a document.
    partials.set(id, { place, sequence, fields: fields as Document | null })
    this.#byKey.set(key, partials)
  }
}

const byId = (partials: readonly StoredPartial[]): Map<string, Folded> =>
  new Map(
    partials.map(({ id, place, sequence, fields }) => [id, { place, sequence, fields: fields as Document }]),
  )

const placesOf = (entry: PlacedEntry): [id: string, key: string][] =>
  entry.type === 'event'
    ? entry.places.map(({ id, place }) => [id, `${entry.event.tenant}/${place.key}`])
    : []
