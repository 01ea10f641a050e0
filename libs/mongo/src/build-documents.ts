/** What one version of the code has made of the log from its beginning. */
export type StoredBuild = {
  /** `v1`, and `v1.1` when that version was built again. */
  readonly name: string
  /** Of the code that folds it. */
  readonly version: string
  readonly startedAt: Date
  /** Of a reset: it is served as soon as it is found to be what the log says. */
  readonly isToBeServed?: true
}

/** Taken out of the list; its data goes when nobody feeds it any more. */
export type RetiredBuild = { readonly name: string; readonly at: Date }

/** Which builds of a projection there are, and which one is read; see builds.ts and build-pointer.ts. */
export type BuildsDocument = {
  readonly _id: string
  readonly served: string
  readonly previous: string | null
  readonly switchingTo: string | null
  /** Nothing is fed meanwhile. */
  readonly isPaused: boolean
  /** No reader believes its pointer for longer. */
  readonly leasedUntil: Date
  readonly builds: readonly StoredBuild[]
  /** How often each version was built: a name is never used again. */
  readonly counts: Readonly<Record<string, number>>
  /** Absent in documents that none was taken out of yet. */
  readonly retired?: readonly RetiredBuild[]
}

/** One look at a build; the newest of each kind is kept. */
export type BuildReportDocument = {
  /** `<build>/<kind>` */
  readonly _id: string
  /** Name of its data. */
  readonly build: string
  /** comparison: with the build that is served, and with the log. verification, and the routine check: with the log. */
  readonly kind: 'comparison' | 'verification' | 'check'
  /** Of this one look: whoever has another one may not write here any more. */
  readonly run: string
  /** Name of the data that a comparison was with. */
  readonly against: string
  readonly state: 'running' | 'equal' | 'expected' | 'different' | 'failed'
  readonly startedAt: Date
  /** Renewed while it runs: one that is old belongs to a process that is gone. */
  readonly beatAt: Date
  readonly endedAt: Date | null
  /** Documents so far, of how many. */
  readonly compared: number
  readonly total: number
  /** Events of the log that were folded for it. */
  readonly events: number
  /** Documents that differ; more than that when it was cut short. */
  readonly different: number
  readonly unexpected: number
  /** Never seen at one position. */
  readonly unsettled: number
  readonly isCutShort: boolean
  /** Events that the build has parked: its documents lack them, and so does a fold of the log. Absent in old reports. */
  readonly parked?: number
  /** How many documents differ in a field. */
  readonly byField: readonly {
    readonly field: string
    readonly documents: number
    readonly isExpected: boolean
  }[]
  /** Some of the differences, unexpected ones first. */
  readonly samples: readonly DifferenceSample[]
  /** Part of the keys that were compared with the log: `1/16`, or `all`; null where the store does not keep it. */
  readonly logShare: string | null
  readonly error: string | null
}

export type DifferenceSample = {
  readonly key: string
  readonly field: string
  readonly against: 'build' | 'log'
  /** As readers would get it, and as it is there; null where there is none. */
  readonly value: unknown
  readonly other: unknown
  readonly isExpected: boolean
  /** The event that last changed the field, by a fold of the log. */
  readonly event: { readonly id: string; readonly type: string; readonly sequence: number } | null
}
