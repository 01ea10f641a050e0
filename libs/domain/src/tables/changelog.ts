/*
 * The changelog of a table is the projection of its topic: of each key the last value, as it was published, and none
 * behind a tombstone. Beside the value a document has the three members below, which no published record may have.
 */
import type { Document, ProjectedEvent } from '../projections/projection.ts'

type Members = {
  readonly key: string
  /** The clock of the table's source by which it was so, UTC ms. */
  readonly changedAt: number
  /** How far the table was in its source: offset of the next record. It rises with each state of a key. */
  readonly version: number
}

export type ChangelogDocument<State extends Document> = State & Members

export type ChangelogEntry = Members & {
  /** What the topic carries. */
  readonly state: Document
}

type Published<State extends Document> = Pick<ProjectedEvent, 'key' | 'occurredAt' | 'version'> & {
  readonly data: State & { readonly [Name in keyof Members]?: never }
}

export const toChangelogDocument = <State extends Document>({
  key,
  data,
  occurredAt,
  version,
}: Published<State>): ChangelogDocument<State> => ({ key, ...data, changedAt: occurredAt, version })

export const entryOf = ({
  key,
  changedAt,
  version,
  ...state
}: ChangelogDocument<Document>): ChangelogEntry => ({ key, changedAt, version, state })
