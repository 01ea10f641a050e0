import { describe, expect, it } from '@jest/globals'
import {
  orderSummary,
  processes,
  shippedProjections,
  versionedName,
  type AnyProjection,
} from '@millrace/domain'
import type { FoundDocument } from '@millrace/mongo'
import { ProblemError } from '@millrace/runtime'
import { recordsLooks, type RecordsDeps } from '../src/waiting/records-looks.ts'

const key = 'm-1:node:1'

/** One look: versions of the state and of the document, where there are any. */
type Sight = {
  /** Next offsets of the table, by partition; far beyond the position without it. */
  readonly read?: readonly number[]
  readonly state?: number
  readonly document?: number
}

type Stage = {
  readonly offsets?: Readonly<Record<string, number>>
  readonly parkedIn?: number
  readonly projection?: AnyProjection
  readonly key?: string | null
}

/** What each of the looks of one wait finds. */
const look = async (sights: readonly Sight[], stage: Stage = {}): Promise<unknown[]> => {
  const { projection = processes, parkedIn, offsets = { 0: 6, 2: 4 } } = stage
  const position = { topic: 'heartbeat.received', offsets }
  let sight: Sight = {}
  const one = (id: string, sequence: number | undefined): FoundDocument | undefined =>
    sequence === undefined ? undefined : { id, sequence, fields: { version: sequence } }
  const deps: RecordsDeps = {
    states: {
      findOne: async (table, { id }) => (table === 'process-state.v1' ? one(id, sight.state) : undefined),
      readCheckpoint: async ({ projection: table, topic, partition }) => {
        expect([table, topic]).toEqual(['process-state.v1', 'heartbeat.received'])
        const nextOffset = sight.read ? sight.read[partition] : 100
        return nextOffset === undefined ? undefined : { nextOffset }
      },
    },
    documents: {
      findOne: async (build, { id }) => (build === 'processes.v2' ? one(id, sight.document) : undefined),
    },
    lanes: {
      isParked: async ({ projection: build, topic, partition }, { parkingKey }) =>
        build === 'processes.v2' &&
        topic === 'process.state' &&
        parkingKey === `demo/${key}` &&
        partition === parkedIn,
    },
  }
  const served = { projection, build: versionedName(projection), isCurrent: () => true }
  const next = recordsLooks(deps, { tenant: 'demo', position })(
    served,
    stage.key === undefined ? key : stage.key,
  )
  const found: unknown[] = []
  for (sight of sights) {
    const standing = await next()
    found.push(standing === 'fresh' ? standing : [standing.state, standing.reached, standing.wanted])
  }
  return found
}

describe('a position of heartbeats', () => {
  it('is not there before the table has read each partition up to it', async () => {
    const both = { state: 9, document: 9 }
    expect(
      await look([
        { read: [], ...both },
        { read: [6, 0, 5], ...both },
        { read: [7, 0, 4], ...both },
        { read: [7, 0, 5], ...both },
      ]),
    ).toEqual([['pending', -1, 6], ['pending', 5, 6], ['pending', 3, 4], 'fresh'])
  })

  it('that is far away is that of a table which catches up', async () => {
    const offsets = { 1: 1_006 }
    expect(await look([{ read: [0, 6] }, { read: [0, 7] }], { offsets })).toEqual([
      ['rebuilding', 5, 1_006],
      ['pending', 6, 1_006],
    ])
  })

  it('is there with the document of the state that the table had then, and of a later one', async () => {
    expect(
      await look([
        { state: 9, document: 8 },
        { state: 9, document: 9 },
      ]),
    ).toEqual([['pending', 7, 8], 'fresh'])
    // The table is always ahead of the document, which has long passed what it was waited for.
    expect(
      await look([
        { state: 9, document: 8 },
        { state: 30, document: 9 },
      ]),
    ).toEqual([['pending', 7, 8], 'fresh'])
    expect(await look([{ state: 9 }, { state: 12, document: 11 }])).toEqual([['pending', -1, 8], 'fresh'])
  })

  it('of what was forgotten is there once there is no document either', async () => {
    expect(await look([{}])).toEqual(['fresh'])
    expect(await look([{ document: 8 }, { document: 8 }, {}])).toEqual([
      ['pending', 7, 8],
      ['pending', 7, 8],
      'fresh',
    ])
    expect(await look([{ state: 9, document: 8 }, {}])).toEqual([['pending', 7, 8], 'fresh'])
    // Forgotten and back again: the document is of the life before.
    expect(await look([{ document: 8 }, { state: 20, document: 8 }, { state: 20, document: 20 }])).toEqual([
      ['pending', 7, 8],
      ['pending', 7, 19],
      'fresh',
    ])
  })

  it('is not there by a document from before the topic was created anew', async () => {
    expect(
      await look([
        { state: 7, document: 5_000 },
        { state: 7, document: 7 },
      ]),
    ).toEqual([['pending', 4_999, 6], 'fresh'])
  })

  it.each([0, 1, 2])('whose key is set aside, in partition %d, is quarantined', async (parkedIn) => {
    expect(await look([{ state: 9, document: 8 }], { parkedIn })).toEqual([['quarantined', 7, 8]])
    expect(await look([{ state: 9, document: 9 }], { parkedIn })).toEqual(['fresh'])
  })

  const refusalOf = async (stage: Stage): Promise<unknown> => {
    const error = await look([{}], stage).catch((thrown: unknown) => thrown)
    return error instanceof ProblemError ? [error.problem.status, error.problem.detail] : error
  }

  it('is refused where it can never be seen', async () => {
    const v1 = shippedProjections.version('processes', 'v1') ?? processes
    expect(await refusalOf({ projection: v1 })).toEqual([
      400,
      'processes v1 is not made from a table of heartbeat.received',
    ])
    expect(await refusalOf({ projection: orderSummary })).toEqual([
      400,
      'order-summary v1 is not made from a table of heartbeat.received',
    ])
    expect(await refusalOf({ key: null })).toEqual([400, expect.stringContaining('not in a list')])
  })
})
