import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { defaultConsumerTimings } from '@millrace/kafka'
import { eventually } from '@millrace/testkit'
import { startOrderLoad, type OrderLoad } from './order-load.ts'
import { watchPauses, type PauseWatch } from './pause-watch.ts'
import { startProjectorGroup, type Member, type ProjectorGroup } from './projector-group.ts'

const PATIENT = { timeoutMs: 40_000 }

// The history of an order names every event that was folded into it.
describe('a projection group', () => {
  let group: ProjectorGroup
  let load: OrderLoad
  let pauses: PauseWatch
  const projectors: Member[] = []

  beforeAll(async () => {
    group = await startProjectorGroup('scaling')
    load = startOrderLoad(group.kafka, group.codec)
    pauses = watchPauses(async () => ({ written: load.written(), applied: await group.applied() }))
  })

  afterAll(async () => {
    await Promise.all([load.stop(), pauses.stop()])
    await group.stop()
  })

  const startProjectors = async (count: number): Promise<void> => {
    projectors.push(...(await Promise.all(Array.from({ length: count }, () => group.start()))))
  }

  const expectOwners = async (count: number): Promise<void> => {
    await eventually(
      async () => new Set((await group.checkpoints()).map(({ owner }) => owner)).size,
      (owners) => owners === count,
      PATIENT,
    )
  }

  /** All that is written by now is in the read model, whoever put it there. */
  const expectAllApplied = (): Promise<void> => group.untilApplied(load.written())

  it('grown to four instances under load and shrunk to one has every event, and each once', async () => {
    await startProjectors(1)
    await expectAllApplied()
    pauses.takeLongestMs()

    await startProjectors(3)
    await expectOwners(4)
    await expectAllApplied()
    // The first is the leader of the group.
    const leaving = projectors.slice(0, 3)
    expect(await Promise.all(leaving.map((projector) => projector.stop()))).toEqual([0, 0, 0])
    await expectOwners(1)
    await expectAllApplied()
    const longestPauseMs = pauses.takeLongestMs()

    await load.stop()
    await expectAllApplied()
    const records = await group.records()
    expect(records).toHaveLength(load.written().reduce((sum, written) => sum + written, 0))
    const { stored, folded } = await group.histories(records)
    expect(stored).toEqual(folded)
    // For so long a partition stands still whose owner did not leave, but fell silent.
    expect(longestPauseMs).toBeLessThan(defaultConsumerTimings.sessionTimeoutMs)
  })
})
