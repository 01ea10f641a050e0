import type { AggregateRef, Snapshotter, Taken, TakenFor } from '@millrace/aggregates'
import { parseStream } from '@millrace/domain'
import type { SnapshotHeader } from '@millrace/mongo'
import { parseAs, parseQuery, problems, type Call, type Reply, type Route } from '@millrace/runtime'
import { z } from 'zod'

export type SnapshotRoutesDeps = {
  readonly snapshotter: Pick<Snapshotter, 'rebuild' | 'latest'>
  readonly onTaken: (taken: Taken, why: TakenFor) => void
}

const nothing = z.strictObject({})

const refOf = (call: Call): AggregateRef => {
  const parsed = parseStream(call.params['id'] ?? '')
  if (parsed) return { tenant: call.principal.tenant, ...parsed }
  throw noStream(call)
}

const noStream = (call: Call) =>
  problems.notFound(`there is no stream ${JSON.stringify(call.params['id'] ?? '')}`)

const view = ({ stream, version, stateVersion, checksum, takenAt }: SnapshotHeader) => ({
  stream,
  version,
  stateVersion,
  checksum,
  takenAt: new Date(takenAt).toISOString(),
})

const take = async ({ snapshotter, onTaken }: SnapshotRoutesDeps, call: Call): Promise<Reply> => {
  parseQuery(nothing, call.query)
  if (call.rawBody.length > 0) parseAs(nothing, call.json())
  const ref = refOf(call)
  const taken = await snapshotter.rebuild(ref)
  if (!taken) throw noStream(call)
  onTaken(taken, { context: ref.context.name, reason: 'request' })
  return { status: taken.isNew ? 201 : 200, body: view(taken.snapshot) }
}

const showLatest = async ({ snapshotter }: SnapshotRoutesDeps, call: Call): Promise<Reply> => {
  parseQuery(nothing, call.query)
  const snapshot = await snapshotter.latest(refOf(call))
  if (!snapshot) throw problems.notFound('there is no snapshot of this stream that may be used')
  return { status: 200, body: { ...view(snapshot), state: snapshot.state } }
}

/** Before the route of the commands, which fits all paths of three segments. */
export const snapshotRoutes = (deps: SnapshotRoutesDeps): Route[] => [
  { method: 'post', path: '/snapshots/:id', handle: (call) => take(deps, call) },
  { method: 'get', path: '/snapshots/:id/latest', handle: (call) => showLatest(deps, call) },
]
