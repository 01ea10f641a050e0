import type { Document } from '@millrace/domain'
import type { Checkpoint, CheckpointId, StoredState, TableStore } from '@millrace/mongo'
import { toMessage, type Reading } from './table-message.ts'
import { clockOf, progressTo } from './table-progress.ts'

const PAGE = 1_000
const ALL_PUBLISHED = 1

type Claimed = {
  readonly deps: {
    readonly table: Reading['table']
    readonly store: TableStore
    readonly owner: string
    readonly incarnationOf: (topic: string) => Promise<number>
  }
  readonly codec: Reading['codec']
  readonly id: CheckpointId
  readonly checkpoint: Checkpoint
}

/**
 * A compacted topic that had to be created anew has nothing of what does not change any more. Whether all states were
 * published in its present incarnation is kept as a checkpoint of its own: what was not is published from the states.
 */
export const publishAnew = async ({ deps, codec, id, checkpoint }: Claimed): Promise<void> => {
  const { table, store, owner } = deps
  const outputId: CheckpointId = { ...id, topic: table.topic }
  const incarnation = await deps.incarnationOf(table.topic)
  const output = await store.claim(outputId, { owner, incarnation })
  if (output.nextOffset === ALL_PUBLISHED) return
  const clock = clockOf(checkpoint)
  let page: readonly StoredState[] = []
  do {
    page = await store.page(id, page.at(-1)?.id ?? '', PAGE)
    const messages = page.map(({ id: key, sequence, fields }) =>
      toMessage(
        { codec, table },
        // What the store holds was written by this very table.
        { id: key, state: fields as Document, version: sequence, atMs: clock?.lastMs ?? 0 },
      ),
    )
    const to = progressTo(checkpoint, checkpoint.nextOffset, clock)
    if (
      messages.length > 0 &&
      (await store.commit(id, { from: checkpoint, to, states: [], messages })) === 'fenced'
    )
      return
  } while (page.length === PAGE)
  const done = progressTo(output, ALL_PUBLISHED, null)
  await store.commit(outputId, { from: output, to: done, states: [], messages: [] })
}
