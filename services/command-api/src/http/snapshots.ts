import type { AggregateRef, Snapshotter, Taken, TakenFor } from '@millrace/aggregates'
import { parseStream } from '@millrace/domain'
import type { SnapshotHeader } from '@millrace/mongo'
import { defineRoute, problems, type Call, type Reply, type Route } from '@millrace/runtime'
import { z } from 'zod'
import { streamParams } from './stream-params.ts'

export type SnapshotRoutesDeps = {
  readonly snapshotter: Pick<Snapshotter, 'rebuild' | 'latest'>
  readonly onTaken: (taken: Taken, why: TakenFor) => void
}

const nothing = z.strictObject({})

type StreamCall = Call<z.output<typeof streamParams>>

const refOf = (call: StreamCall): AggregateRef => {
  const parsed = parseStream(call.params.id)
  if (parsed) return { tenant: call.principal.tenant, ...parsed }
  throw noStream(call)
}

const noStream = (call: StreamCall) =>
  problems.notFound(`there is no stream ${JSON.stringify(call.params.id)}`)

const view = ({ stream, version, stateVersion, checksum, takenAt }: SnapshotHeader) => ({
  stream,
  version,
  stateVersion,
  checksum,
  takenAt: new Date(takenAt).toISOString(),
})

const take = async ({ snapshotter, onTaken }: SnapshotRoutesDeps, call: StreamCall): Promise<Reply> => {
  const ref = refOf(call)
  const taken = await snapshotter.rebuild(ref)
  if (!taken) throw noStream(call)
  onTaken(taken, { context: ref.context.name, reason: 'request' })
  return { status: taken.isNew ? 201 : 200, body: view(taken.snapshot) }
}

const showLatest = async ({ snapshotter }: SnapshotRoutesDeps, call: StreamCall): Promise<Reply> => {
  const snapshot = await snapshotter.latest(refOf(call))
  if (!snapshot) throw problems.notFound('there is no snapshot of this stream that may be used')
  return { status: 200, body: { ...view(snapshot), state: snapshot.state } }
}

const header = {
  stream: z.string(),
  version: z.int(),
  stateVersion: z.int().describe('Of the shape of the state.'),
  checksum: z.string().describe('SHA-256 of the state as canonical JSON, in hex.'),
  takenAt: z.iso.datetime(),
}

const snapshot = z.strictObject(header).meta({ id: 'Snapshot' })

export const snapshotRoutes = (deps: SnapshotRoutesDeps): Route[] => [
  defineRoute({
    method: 'post',
    path: '/snapshots/:id',
    operation: 'takeSnapshot',
    summary: 'Take a snapshot of a stream now, folded from its first event',
    scope: 'snapshots:write',
    params: streamParams,
    body: { schema: nothing, whenEmpty: {} },
    replies: {
      200: { description: 'The very same one was there', schema: snapshot },
      201: { description: 'Taken', schema: snapshot },
    },
    problems: { 404: 'There is no such stream.' },
    handle: (call) => take(deps, call),
  }),
  defineRoute({
    method: 'get',
    path: '/snapshots/:id/latest',
    operation: 'readSnapshot',
    summary: 'The newest snapshot of a stream that may be used',
    scope: 'streams:read',
    params: streamParams,
    replies: {
      200: { description: 'The snapshot', schema: z.strictObject({ ...header, state: z.unknown() }) },
    },
    problems: { 404: 'There is no such stream, or no snapshot of it.' },
    handle: (call) => showLatest(deps, call),
  }),
]
