import { expect, it } from '@jest/globals'
import type { BuildProgress } from '../src/build-progress.ts'
import { assertCaughtUp } from '../src/order-checks.ts'
import { buildOf, buildsOf, code } from './ops-fixture.ts'

const PARTITION = {
  topic: 'orders.order.events',
  partition: 3,
  nextOffset: 4_000,
  endOffset: 9_000,
  waiting: null,
}

const behind = (stopped: string | null): BuildProgress => ({
  ...{
    applied: 4_000,
    total: 9_000,
    remaining: 5_000,
    lagSeconds: null,
    isCaughtUp: false,
    rate: 0,
    etaSeconds: null,
  },
  ...{ parked: 0, late: 0, partitions: [{ ...PARTITION, stopped }] },
})

const asked = (progress: BuildProgress, isPaused = false): Promise<void> =>
  assertCaughtUp(
    { code, progressOf: async () => new Map([['v1', progress]]) },
    buildsOf({ isPaused }),
    buildOf('v1'),
  )

it('a build that is on its way has to be waited for', async () => {
  await expect(asked(behind(null))).rejects.toMatchObject({
    problem: {
      status: 409,
      detail: 'order-summary.v1 is still being built: 5000 records are missing',
      headers: { 'retry-after': '5' },
    },
  })
})

it('one that is paused does not come by itself', async () => {
  for (const progress of [behind(null), { ...behind(null), isCaughtUp: true }])
    await expect(asked(progress, true)).rejects.toThrow(/^order-summary is paused: resume it first$/)
})

it('one that has stopped never comes, however near: the refusal says where, why, and what to do instead', async () => {
  const stopped = behind('sequence 7 is missing before 9')
  await expect(asked({ ...stopped, isCaughtUp: true })).rejects.toThrow(/^order-summary.v1 has stopped/)
  await expect(asked(stopped)).rejects.toMatchObject({
    problem: {
      status: 409,
      detail:
        'order-summary.v1 has stopped in orders.order.events/3: sequence 7 is missing before 9; a reset serves a ' +
        'build of the newest version once it is found to be what the log says',
      members: { remaining: 5_000 },
    },
  })
})
