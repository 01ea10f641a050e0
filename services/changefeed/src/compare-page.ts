import { parseMessageKey, toMessageKey } from '@millrace/events'
import type { FeedScan, ScannedDocument, Shadow } from '@millrace/mongo'
import { hashOf, type HashedFor } from './plan-changes.ts'
import type { FoundChange } from './to-message.ts'

type Seen = Pick<FeedScan, 'id' | 'atMs'>
type SeenOn = Seen & { readonly route: HashedFor }

const found = ({ id, atMs }: Seen): Pick<FoundChange, 'id' | 'atMs' | 'origin' | 'before'> => ({
  ...{ id, atMs, origin: 'reconciliation' },
  // What it was is gone with the history.
  before: null,
})

/** Documents that are not what was last published of them. */
export const changedIn = (
  page: readonly ScannedDocument[],
  shadows: ReadonlyMap<string, Shadow>,
  { route, ...seen }: SeenOn,
): readonly FoundChange[] =>
  page.flatMap(({ key, text }) => {
    const shadow = shadows.get(toMessageKey(key))
    if (shadow && shadow.hash === hashOf(route, text)) return []
    return { ...found(seen), key, operation: shadow ? 'updated' : 'created', after: text }
  })

/** What was published, and has no document any more. */
export const goneOf = (
  page: readonly Shadow[],
  existing: ReadonlySet<string>,
  seen: Seen,
): readonly FoundChange[] =>
  page
    .filter(({ key }) => !existing.has(key))
    .map(({ key }) => ({ ...found(seen), key: parseMessageKey(key), operation: 'deleted', after: null }))
