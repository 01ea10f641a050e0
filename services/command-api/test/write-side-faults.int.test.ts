import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { killBeforeAnswer, killBeforeWrite } from '../../../test/faults/write-side/kills.ts'
import { logFaults } from '../../../test/faults/write-side/log-faults.ts'
import { storeFaults } from '../../../test/faults/write-side/store-faults.ts'
import { addProduct, placeOrder } from '../../../test/faults/write-side/write-call.ts'
import {
  freezeRelay,
  killRelay,
  relayMoments as moments,
  type RelayMoment,
} from '../../../test/faults/write-side/takeover.ts'
import { race, storm } from '../../../test/faults/write-side/rivals.ts'
import { withoutMongo } from '../../../test/faults/write-side/outages.ts'
import { openWriteSide, type WriteSide } from '../../../test/faults/write-side/write-side.ts'

let side: WriteSide
beforeAll(async () => {
  side = await openWriteSide({ name: 'kills' })
})
afterAll(() => side.stop())
afterEach(async () => {
  expect(await storeFaults(side)).toEqual([])
  expect(await logFaults(side)).toEqual([])
})

const relayMoments = Object.keys(moments) as RelayMoment[]

const writes = [
  ['insert', () => addProduct(side.newId())],
  ['transaction', () => placeOrder(side.newId(), side.newId())],
] as const

describe('command-api, killed', () => {
  it.each(writes)(
    'after the %s and before the answer, gives that answer to whoever asks again',
    async (write, call) => {
      expect(await killBeforeAnswer(side, call(), write)).toEqual([])
    },
  )

  it.each(writes)('before the %s, has written nothing, and does it when asked again', async (write, call) => {
    expect(await killBeforeWrite(side, call(), write)).toEqual([])
  })

  it.each(relayMoments)('%s, leaves a shard that another replica goes on with', async (moment) => {
    expect(await killRelay(side, moment)).toEqual([])
  })
})

describe('command-api, frozen past its lease and then awake', () => {
  it.each(relayMoments)('%s, repeats what it had in hand and changes no order', async (moment) => {
    expect(await freezeRelay(side, moment)).toEqual([])
  })
})

describe('two replicas of command-api', () => {
  it('let one of 64 writers win a version, and tell the others', async () => {
    expect(await race(side, { writers: 64, rounds: 2 })).toEqual([])
  })

  it('answer a storm of repeated commands once each', async () => {
    expect(await storm(side, { calls: 40, repeats: 10 })).toEqual([])
  })

  it('refuse commands with 503 while MongoDB is away, and take them once when it is back', async () => {
    const proxies = side.replicas.map(({ proxy }) => proxy)
    const faults = await withoutMongo(side, {
      lastsMs: 3_000,
      goDown: () => proxies.forEach((proxy) => proxy.goDown()),
      comeBack: () => proxies.forEach((proxy) => proxy.comeBack()),
    })
    expect(faults).toEqual([])
  })
})
