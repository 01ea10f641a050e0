/** A document, or one partial of a grouped one, as one side of a comparison has it. */
export type SourcePartial = {
  /** `topic/partition`. */
  readonly place: string
  /** Of the last event that changed it. */
  readonly sequence: number
  /** Null when its last event deleted it. */
  readonly fields: Readonly<Record<string, unknown>> | null
}

/** By place, a sequence: every event up to it is in. */
export type Positions = ReadonlyMap<string, number>

/** Documents and positions of one moment. */
export type Sight = {
  /** By `<tenant>/<key>`. */
  readonly documents: ReadonlyMap<string, readonly SourcePartial[]>
  readonly reached: Positions
  /**
   * What becomes of the same documents up to these positions, made in memory of the events in between. It stays behind
   * where the store does not have them, yet or ever.
   */
  at(positions: Positions): Promise<Sight>
}

/** One side of a comparison: a build, or a fold of the log. */
export type Source = {
  /** `<tenant>/<key>` of every document, in chunks. */
  keys(): AsyncIterable<readonly string[]>
  read(keys: readonly string[]): Promise<Sight>
}

export const isThere = ({ fields }: SourcePartial): boolean => fields !== null
