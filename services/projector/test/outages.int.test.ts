import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { startOrderLoad, type OrderLoad } from './order-load.ts'
import { startProjectorGroup, type Member, type ProjectorGroup } from './projector-group.ts'

const ORDERS_PER_TICK = 2
const PATIENT = { timeoutMs: 60_000 }
/** So many events come while something is away. */
const MEANWHILE = 500

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0)

describe('while something is away, a projector', () => {
  let group: ProjectorGroup
  let load: OrderLoad
  beforeAll(async () => {
    group = await startProjectorGroup('outages')
    load = startOrderLoad(group.kafka, group.codec, ORDERS_PER_TICK)
  })
  afterAll(async () => {
    await load.stop()
    await group.stop()
  })

  const retries = (member: Member): number =>
    member.log().filter(({ msg }) => msg === 'records will be applied again').length

  const untilWritten = async (more: number): Promise<void> => {
    const goal = sum(load.written()) + more
    await eventually(
      () => sum(load.written()),
      (count) => count >= goal,
      PATIENT,
    )
  }

  const expectPaused = async (member: Member): Promise<void> => {
    await eventually(
      () => retries(member),
      (count) => count > 0,
      PATIENT,
    )
    expect([member.isAlive(), await member.status('/livez')]).toEqual([true, 200])
    expect(member.log().filter(({ level }) => level === 'error')).toEqual([])
  }

  /** It has caught up, in the same process, with nothing set aside. */
  const expectAsIfNothingHadBeen = async (member: Member): Promise<void> => {
    await group.untilApplied(load.written())
    expect(await member.metric('millrace_projection_parked_total')).toBe(0)
    expect(await group.servers.mongoConnection.db.collection('parkedEvents').countDocuments()).toBe(0)
    expect([member.isAlive(), await member.status('/livez')]).toEqual([true, 200])
    await eventually(
      () => member.status('/readyz'),
      (status) => status === 200,
      PATIENT,
    )
    expect(await member.stop()).toBe(0)
  }

  it('pauses for MongoDB, stays alive and catches up', async () => {
    const member = await group.start()
    await group.untilApplied(load.written())
    member.mongo.goDown()
    const before = sum(await group.applied())
    await untilWritten(MEANWHILE)
    await expectPaused(member)
    expect(await member.status('/readyz')).toBe(503)
    expect(sum(await group.applied())).toBe(before)
    member.mongo.comeBack()
    await expectAsIfNothingHadBeen(member)
  })

  it('pauses for the schemas that it does not know yet', async () => {
    const before = sum(await group.applied())
    const member = await group.start({}, { isWithoutRegistry: true })
    await untilWritten(MEANWHILE)
    await expectPaused(member)
    expect(sum(await group.applied())).toBe(before)
    member.registry.comeBack()
    await expectAsIfNothingHadBeen(member)
  })

  it('needs no registry for the schemas that it knows', async () => {
    const member = await group.start()
    await group.untilApplied(load.written())
    member.registry.goDown()
    await untilWritten(MEANWHILE)
    await group.untilApplied(load.written())
    expect(retries(member)).toBe(0)
    member.registry.comeBack()
    await expectAsIfNothingHadBeen(member)
  })

  it('loses nothing and doubles nothing', async () => {
    await group.start()
    await load.stop()
    await group.untilApplied(load.written())
    const { stored, folded } = await group.histories(await group.records())
    expect(stored).toEqual(folded)
  })
})
