// A process that dies in the middle of a transaction leaves it open, and with it the locks on what it wrote: for a
// minute, by the server's default. Everybody else's transactions on those documents fail meanwhile with a write
// conflict. So whoever has met conflicts for a while ends what stands in the way.

import { ReadConcern, type ClientSession, type UUID } from 'mongodb'
import { clientOf } from './causal-sessions.ts'

/** Far above the pauses of a living process between two steps of a transaction; one that is aborted runs again. */
const ABANDONED_AFTER_MS = 3_000

type IdleSession = { readonly lsid: { readonly id: UUID } }

/** Aborts the transactions in which nothing happens any more, of clients with the same name as the session's. */
export const endAbandoned = async (session: ClientSession): Promise<void> => {
  const client = clientOf(session)
  if (!client) return
  // What goes on in the server knows no majority.
  const admin = client.db('admin', { readConcern: new ReadConcern('local') })
  const idle = await admin
    .aggregate<IdleSession>([
      { $currentOp: { idleSessions: true } },
      {
        $match: {
          type: 'idleSession',
          appName: client.options.appName ?? '',
          'transaction.timeInactiveMicros': { $gt: ABANDONED_AFTER_MS * 1_000 },
        },
      },
      { $project: { 'lsid.id': 1 } },
    ])
    .toArray()
  if (idle.length > 0) await admin.command({ killSessions: idle.map(({ lsid }) => ({ id: lsid.id })) })
}
