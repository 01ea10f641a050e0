import type { FieldDifference } from './differences.ts'

export type DocumentDifference = {
  /** `<tenant>/<key>` */
  readonly key: string
  readonly fields: readonly FieldDifference[]
}

/** A new version may change every document: they are counted, and a few are kept. */
export type ExpectedDifferences = {
  readonly documents: number
  /** Documents by field. */
  readonly byField: ReadonlyMap<string, number>
  readonly samples: readonly DocumentDifference[]
}

const MAX_SAMPLES = 20
/** Documents may name their fields by what they hold. */
const MAX_FIELD_NAMES = 1_000

export class ExpectedCount implements ExpectedDifferences {
  documents = 0
  readonly byField = new Map<string, number>()
  readonly samples: DocumentDifference[] = []

  add(difference: DocumentDifference): void {
    this.documents += 1
    for (const { field } of difference.fields) this.#count(field)
    if (this.samples.length < MAX_SAMPLES) this.samples.push(difference)
  }

  #count(field: string): void {
    const before = this.byField.get(field)
    if (before !== undefined || this.byField.size < MAX_FIELD_NAMES)
      this.byField.set(field, (before ?? 0) + 1)
  }
}
