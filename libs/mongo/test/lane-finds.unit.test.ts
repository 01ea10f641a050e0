import { expect, it } from '@jest/globals'
import { eventually } from '@millrace/testkit'
import { laneFinds, type FindDocuments } from '../src/lane-finds.ts'

const keysOf = (...ids: readonly string[]) => ids.map((id) => ({ tenant: 'demo', id: `demo/${id}` }))

/** Finds every document but those with an x, and says what it was asked for. */
const asked: string[][] = []
const find: FindDocuments = async (projection, keys) => {
  asked.push([projection, ...keys.map(({ id }) => id)])
  return new Map(keys.filter(({ id }) => !id.includes('x')).map(({ id }) => [id, { in: projection, id }]))
}

it('lanes that look for documents of a build at the same time ask once, and get their own', async () => {
  asked.length = 0
  const finds = laneFinds(find)
  const found = await Promise.all([
    finds('orders', keysOf('1', 'x')),
    finds('customers', keysOf('1')),
    finds('orders', keysOf('2')),
    finds('orders', []),
  ])
  expect(found.map((documents) => [...documents])).toEqual([
    [['demo/1', { in: 'orders', id: 'demo/1' }]],
    [['demo/1', { in: 'customers', id: 'demo/1' }]],
    [['demo/2', { in: 'orders', id: 'demo/2' }]],
    [],
  ])
  expect(asked).toEqual([
    ['orders', 'demo/1', 'demo/x', 'demo/2'],
    ['customers', 'demo/1'],
  ])
})

it('one that looks for many asks by itself', async () => {
  asked.length = 0
  const finds = laneFinds(find)
  const many = keysOf(...Array.from({ length: 200 }, (_, index) => String(index)))
  const [all] = await Promise.all([finds('orders', many), finds('orders', keysOf('1'))])
  expect(all.size).toBe(200)
  expect(asked.map(({ length }) => length)).toEqual([201, 2])
})

it('of those that look for many, two are under way at a time, whatever small ones do meanwhile', async () => {
  const gates: (() => void)[] = []
  let most = 0
  const finds = laneFinds(async (projection, keys) => {
    if (keys.length < 200) return find(projection, keys)
    const gate = Promise.withResolvers<void>()
    most = Math.max(most, gates.push(gate.resolve))
    await gate.promise
    return new Map()
  })
  const many = keysOf(...Array.from({ length: 200 }, (_, index) => String(index)))
  const large = Promise.all(['a', 'b', 'c', 'd'].map((build) => finds(build, many)))
  await finds('orders', keysOf('1'))
  for (let left = 4; left > 0; left -= 2) {
    await eventually(
      () => gates.length,
      (waiting) => waiting === 2,
    )
    for (const open of gates.splice(0)) open()
  }
  await large
  expect(most).toBe(2)
})

it('hears of an outage, all of them', async () => {
  const finds = laneFinds(() => Promise.reject(new Error('away')))
  const outcomes = await Promise.allSettled([finds('orders', keysOf('1')), finds('customers', keysOf('1'))])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})
