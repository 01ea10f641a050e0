import { describe, expect, it } from '@jest/globals'
import { memorySnapshotStore } from '../src/memory-snapshot-store.ts'
import { tieredSnapshotStore } from '../src/tiered-snapshot-store.ts'
import { aSnapshot, testSnapshotStore } from './snapshot-store-contract.ts'

const MIB = 1024 * 1024
const streamOf = (n: number) => ({ tenant: 'demo', stream: `catalog.product-${n}` })

describe('snapshots in memory', () => {
  testSnapshotStore(() => memorySnapshotStore({ maxBytes: 64 * MIB }))

  it('take no more memory than they may, and go when they were used least recently', async () => {
    const state = 'x'.repeat(50_000)
    const store = memorySnapshotStore({ maxBytes: MIB })
    await store.save(aSnapshot(streamOf(0), 1, { state }))
    for (let n = 1; n <= 50; n++) {
      await store.save(aSnapshot(streamOf(n), 1, { state }))
      expect(await store.closest(streamOf(0))).toBeDefined()
    }
    const held = await store.newest(Array.from({ length: 51 }, (_, n) => streamOf(n)))
    const count = held.filter((one) => one !== undefined).length
    expect(count * 100_000).toBeLessThanOrEqual(MIB)
    expect(count).toBeGreaterThan(8)
    expect(held.at(-1)).toBeDefined()
  })

  it('are not changed by who reads them', async () => {
    const store = memorySnapshotStore({ maxBytes: MIB })
    await store.save(aSnapshot(streamOf(1), 1))
    const { content } = (await store.closest(streamOf(1))) ?? {}
    Object.assign(content as object, { version: 2 })
    expect((await store.closest(streamOf(1)))?.content).toEqual(aSnapshot(streamOf(1), 1))
  })
})

describe('snapshots in memory in front of others', () => {
  const open = () => {
    const behind = memorySnapshotStore({ maxBytes: 64 * MIB })
    return { behind, store: tieredSnapshotStore(memorySnapshotStore({ maxBytes: MIB }), behind) }
  }
  testSnapshotStore(() => open().store)

  it('answer for the newest that was asked for or saved here, and ask for past ones', async () => {
    const { store, behind } = open()
    await behind.save(aSnapshot(streamOf(1), 1))
    expect((await store.closest(streamOf(1)))?.version).toBe(1)
    await behind.save(aSnapshot(streamOf(1), 2))
    expect((await store.closest(streamOf(1)))?.version).toBe(1)
    expect((await store.closest(streamOf(1), { version: 5 }))?.version).toBe(2)
    await store.save(aSnapshot(streamOf(1), 3))
    expect((await store.closest(streamOf(1)))?.version).toBe(3)
  })
})
