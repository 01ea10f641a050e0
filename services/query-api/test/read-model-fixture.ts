import { orderSummary, processes, type Document } from '@millrace/domain'
import { mongoProjectionStore, type DocumentWrite, type MongoConnection } from '@millrace/mongo'

export type Row = { readonly id: string; readonly fields: Document }

const DAY_MS = 86_400_000
export const FIRST_DAY_MS = Date.UTC(1997, 0, 1)
const statuses = ['placed', 'paid', 'shipped', 'cancelled'] as const

const orderOf = (index: number): Row => {
  const orderId = `o-${String(index).padStart(3, '0')}`
  return {
    id: `demo/${orderId}`,
    fields: {
      orderId,
      customerId: `c-${index % 5}`,
      status: statuses[index % statuses.length] ?? 'placed',
      // Few values for many orders: most neighbours tie.
      total: { amount: (index * 7) % 13, currency: 'EUR' },
      lineCount: 1,
      quantity: 1,
      placedAt: FIRST_DAY_MS + ((index * 5) % 11) * DAY_MS,
      version: 1,
    },
  }
}

const processOf = (index: number): Row => {
  const key = `m-${index % 3}:p-${index % 4}:${index}`
  return {
    id: `demo/${key}`,
    fields: {
      key,
      host: `m-${index % 3}`,
      name: `p-${index % 4}`,
      pid: index,
      startedAt: FIRST_DAY_MS,
      status: ['started', 'alive', 'stale', 'gone'][index % 4] ?? null,
      lastSeenAt: FIRST_DAY_MS + (index % 9) * DAY_MS,
      beat: 1,
      cpu: (index % 6) / 4,
      rss: (index % 8) * 1024,
      changedAt: FIRST_DAY_MS + index,
      version: index + 1,
    },
  }
}

const ROWS = 60
const rowsOf = (make: (index: number) => Row): Row[] =>
  Array.from({ length: ROWS }, (_, index) => make(index))

export const orderRows = rowsOf(orderOf)
export const processRows = rowsOf(processOf)

export const rowsByModel = [
  { projection: orderSummary, rows: orderRows },
  { projection: processes, rows: processRows },
] as const

type Where = { readonly projection: string; readonly topic: string; readonly partition: number }

/** Writes as the projector does: documents and checkpoint together. */
export const writeRows = async (
  mongo: MongoConnection,
  where: Where,
  batch: { rows: readonly Row[]; tenant?: string; lastSequence?: number; nextOffset?: number },
): Promise<void> => {
  const store = mongoProjectionStore(mongo)
  const from = await store.claim(where, { owner: 'test', incarnation: 1 })
  const lastSequence = batch.lastSequence ?? from.lastSequence + 1
  const writes: DocumentWrite[] = batch.rows.map(({ id, fields }) => ({
    id,
    tenant: batch.tenant ?? 'demo',
    sequence: lastSequence,
    fields,
  }))
  const to = { ...from, nextOffset: batch.nextOffset ?? from.nextOffset + 1, lastSequence }
  const outcome = await store.commit(where, { from, to, writes })
  if (outcome !== 'applied') throw new Error(`the rows were ${outcome}`)
}
