import type { SnapshotHeader, StoredSnapshot } from '@millrace/mongo'
import { streamIdOf, type AggregateRef } from './aggregate.ts'
import { parseHeader, type IgnoredReason } from './snapshot.ts'
import { checksumOf } from './state-checksum.ts'
import type { Visit } from './stream-fold.ts'

/** `mismatch`: the fold from the first event gives another state. */
export type WrongSnapshot = { readonly version: number; readonly reason: IgnoredReason | 'mismatch' }

export type Audit = {
  /** Compares a state of the fold from the first event with the snapshot at its version. */
  readonly visit: Visit
  /** When the fold has reached the end of the stream. */
  findings(): WrongSnapshot[]
}

/** Those nobody can use, as far as their headers tell; one of a newer release is that release's own affair. */
export const findUseless = (ref: AggregateRef, stored: readonly StoredSnapshot[]): WrongSnapshot[] =>
  stored.flatMap((one): WrongSnapshot[] => {
    const header = parseHeader(streamIdOf(ref), one)
    if (!header) return [{ version: one.version, reason: 'malformed' }]
    const isOld = header.stateVersion < ref.context.snapshots.stateVersion
    return isOld ? [{ version: one.version, reason: 'state-version' }] : []
  })

/** Checks every snapshot of a stream against its events. */
export const startAudit = (ref: AggregateRef, stored: readonly StoredSnapshot[]): Audit => {
  const wrong = findUseless(ref, stored)
  const ours = stored.flatMap((one): SnapshotHeader[] => {
    const header = parseHeader(streamIdOf(ref), one)
    return header?.stateVersion === ref.context.snapshots.stateVersion ? [header] : []
  })
  const unseen = Map.groupBy(ours, ({ version }) => version)
  return {
    visit: ({ version, id }, state) => {
      for (const header of unseen.get(version) ?? []) {
        if (header.lastEventId !== id) wrong.push({ version, reason: 'other-history' })
        else if (checksumOf(state) !== header.checksum) wrong.push({ version, reason: 'mismatch' })
      }
      unseen.delete(version)
    },
    findings: () => [
      ...wrong,
      ...[...unseen.keys()].map((version) => ({ version, reason: 'other-history' as const })),
    ],
  }
}
