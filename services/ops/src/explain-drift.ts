import type { DifferenceSample } from '@millrace/mongo'
import { differencesOf, type FoldedChange } from '@millrace/projections'

type Fold = (wants: (key: string) => boolean, onChange: (change: FoldedChange) => void) => Promise<void>

type Told = NonNullable<DifferenceSample['event']>

/** By key, by field: the event that changed it last. */
type Changes = Map<string, Map<string, Told>>

/**
 * Which event last changed the fields in which a build is not what the log says: the log is folded once more, for these
 * documents alone, event by event.
 */
export const explainDrift = async (
  samples: readonly DifferenceSample[],
  fold: Fold,
): Promise<readonly DifferenceSample[]> => {
  const drifted = new Set(samples.filter(({ against }) => against === 'log').map(({ key }) => key))
  if (drifted.size === 0) return samples
  const changes: Changes = new Map()
  await fold((key) => drifted.has(key), remembering(changes))
  return samples.map((sample) =>
    sample.against === 'log'
      ? { ...sample, event: lastChange(changes.get(sample.key), sample.field) }
      : sample,
  )
}

const remembering =
  (changes: Changes) =>
  ({ key, event: { id, type, sequence }, before, write }: FoldedChange): void => {
    const fields = changes.get(key) ?? new Map<string, Told>()
    for (const { field } of differencesOf(before, write.fields)) fields.set(field, { id, type, sequence })
    changes.set(key, fields)
  }

/** A change of `total` is one of `total.amount`, and the other way round; the field with no name is the document. */
const isPartOf = (field: string, whole: string): boolean =>
  whole === '' || field === whole || field.startsWith(`${whole}.`)

const lastChange = (changes: ReadonlyMap<string, Told> | undefined, field: string): Told | null => {
  const told = [...(changes ?? [])]
    .filter(([changed]) => isPartOf(field, changed) || isPartOf(changed, field))
    .map(([, event]) => event)
  return told.toSorted((a, b) => a.sequence - b.sequence).at(-1) ?? null
}
