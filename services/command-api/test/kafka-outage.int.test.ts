import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { withoutKafka } from '../../../test/faults/write-side/outages.ts'
import { storeFaults } from '../../../test/faults/write-side/store-faults.ts'
import { openWriteSide, type WriteSide } from '../../../test/faults/write-side/write-side.ts'
import { startOwnServer, type OwnServer } from '../../../test/support/own-server.ts'

let kafka: OwnServer
let side: WriteSide
beforeAll(async () => {
  kafka = await startOwnServer('kafka')
  side = await openWriteSide({ name: 'kafka-outage', kafka: kafka.url })
})
afterAll(async () => {
  await side.stop()
  await kafka.stop()
})

it('commands are accepted while Kafka is away, and are in Kafka, all and in order, when it is back', async () => {
  expect(await withoutKafka(side, { ...kafka, lastsMs: 3_000 })).toEqual([])
  expect(await storeFaults(side)).toEqual([])
})
