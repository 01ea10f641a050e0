/** A document, or one partial of a grouped one, as one side of a comparison has it. */
export type SourcePartial = {
  /** `topic/partition`. */
  readonly place: string
  /** Of the last event that changed it. */
  readonly sequence: number
  /** Null when its last event deleted it. */
  readonly fields: Readonly<Record<string, unknown>> | null
}

export type Sight = {
  /** By `<tenant>/<key>`. */
  readonly documents: ReadonlyMap<string, readonly SourcePartial[]>
  /** By place, the sequence up to which every event is in. */
  readonly reached: ReadonlyMap<string, number>
}

/** One side of a comparison: a build, or a fold of the log. */
export type Source = {
  /** `<tenant>/<key>` of every document, in chunks. */
  keys(): AsyncIterable<readonly string[]>
  /** Documents and positions of one moment. */
  read(keys: readonly string[]): Promise<Sight>
  /** Goes on to where the log ends now, when nothing else moves it. */
  advance(): Promise<void>
}

export const isThere = ({ fields }: SourcePartial): boolean => fields !== null
