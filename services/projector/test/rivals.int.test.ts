import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { orderHistory } from '@millrace/domain'
import { eventually, type HeldMessage } from '@millrace/testkit'
import { putOutOfGroup } from '../../../test/support/put-out-of-group.ts'
import { groupOf } from '../src/run-projection.ts'
import { startOrderLoad, type OrderLoad } from './order-load.ts'
import { startProjectorGroup, type Member, type ProjectorGroup } from './projector-group.ts'

const ORDERS_PER_TICK = 1
const BUILD = `${orderHistory.name}.${orderHistory.version}`
const PATIENT = { timeoutMs: 60_000 }

// Two processes that each believe to own a partition, while orders come in all the time.
describe('of two projectors that believe to own a partition', () => {
  let group: ProjectorGroup
  let load: OrderLoad
  const members: Member[] = []
  beforeAll(async () => {
    group = await startProjectorGroup('rivals')
    load = startOrderLoad(group.kafka, group.codec, ORDERS_PER_TICK)
  })
  afterAll(async () => {
    await load.stop()
    await group.stop()
  })
  // The rival is the first one of the next test.
  afterEach(async () => {
    expect(await members.shift()?.stop()).toBe(0)
  })

  const start = async (): Promise<Member> => {
    const member = await group.start()
    members.push(member)
    return member
  }

  const owners = async (): Promise<Map<string, number>> => {
    const counts = new Map<string, number>()
    for (const { owner } of await group.checkpoints()) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    return counts
  }

  /** The only one, and at work. */
  const startFirst = async (): Promise<Member> => {
    const first = members[0] ?? (await start())
    await eventually(owners, (found) => found.size === 1, PATIENT)
    await group.untilApplied(load.written())
    return first
  }

  const expectEqualToLog = async (): Promise<void> => {
    await group.untilApplied(load.written())
    await load.stop()
    const records = await group.records()
    await group.untilApplied(load.written())
    const { stored, folded } = await group.histories(records)
    expect(stored).toEqual(folded)
    expect(await group.servers.mongoConnection.db.collection('parkedEvents').countDocuments()).toBe(0)
  }

  const moments = [
    ['with its documents read', 'reply', { name: 'find', collection: `readModel.${BUILD}` }],
    ['in the middle of its transaction', 'reply', { name: 'update', collection: 'checkpoints' }],
    ['before its commit', 'request', { name: 'commitTransaction' }],
    ['behind its commit', 'reply', { name: 'commitTransaction' }],
  ] as const

  it.each(moments)('the one that was frozen %s does no harm when it wakes', async (_, moment, command) => {
    const frozen = await startFirst()
    const held = await frozen.mongo.hold(moment, command)
    frozen.freeze()
    const [former] = (await owners()).keys()
    await putOutOfGroup(group.servers.kafka, groupOf(BUILD))
    await start()
    await eventually(owners, (found) => !found.has(former ?? '') && found.size === 1, PATIENT)
    await group.untilApplied(load.written())
    held.release()
    frozen.thaw()
    // The others hear it from the server: their transaction has been ended by whoever claimed the partition.
    if (command.name === 'find')
      await eventually(
        () => frozen.metric('millrace_projection_fenced_total'),
        (count) => count >= 1,
        PATIENT,
      )
    await eventually(owners, (found) => found.size === 2, PATIENT)
    await group.untilApplied(load.written())
  })

  it.each(moments)(
    'the one that is held %s while the other joins changes nothing',
    async (_, moment, command) => {
      const first = await startFirst()
      const held: HeldMessage = await first.mongo.hold(moment, command)
      await start()
      await eventually(owners, (found) => found.size === 2, PATIENT)
      await group.untilApplied(load.written())
      held.release()
      await group.untilApplied(load.written())
    },
  )

  it('every event is in, and once, whoever put it there', async () => {
    await startFirst()
    await expectEqualToLog()
  })
})
