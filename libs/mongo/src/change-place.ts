// Where a change stands among all changes of a feed, and the id that says so as text. Ids rise: by the database's cluster
// time, and within one time, which all changes of a transaction share, by the order of the stream. A scan of the collection
// at time T stands behind every change at T, so what the stream then says of T and before is in the scan already.

import type { Timestamp } from 'mongodb'

export type ChangePlace = {
  readonly clusterTime: Timestamp
  /** 0, 1, 2 … among the changes of one cluster time. */
  readonly ordinal: number
}

/** Behind every change of its cluster time. */
export const SCAN_ORDINAL = 0xffff_ffff

const HEX_DIGITS = 8

const hex = (number: number): string => number.toString(16).padStart(HEX_DIGITS, '0')

/** Compares as text. */
export const changeId = ({ clusterTime, ordinal }: ChangePlace): string =>
  `${hex(clusterTime.t)}${hex(clusterTime.i)}-${hex(ordinal)}`

/** Place of the next change of the stream; undefined for one that a scan has seen. */
export const placeBehind = (last: ChangePlace, clusterTime: Timestamp): ChangePlace | undefined => {
  if (last.ordinal === SCAN_ORDINAL && clusterTime.lessThanOrEqual(last.clusterTime)) return undefined
  const isSameTime = clusterTime.equals(last.clusterTime)
  return { clusterTime, ordinal: isSameTime ? last.ordinal + 1 : 0 }
}

/** The database's time, UTC milliseconds, to the second. */
export const timeOf = ({ clusterTime }: ChangePlace): number => clusterTime.t * 1_000
