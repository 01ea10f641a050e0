/** What becomes of the documents of a source goes to a topic. */
export type Feed = {
  /** As it is configured: its progress, its lease and its records carry it. */
  readonly name: string
  readonly topic: string
  readonly source: FeedSource
}

/** A read model is followed to whichever of its builds is served; `version` is the newest of its code. */
export type FeedSource =
  | { readonly type: 'read-model'; readonly name: string; readonly version: string }
  | { readonly type: 'collection'; readonly name: string }
