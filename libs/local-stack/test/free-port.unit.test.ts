import { describe, expect, it } from '@jest/globals'
import { choosePort } from '../src/free-port.ts'

const none = new Set<number>()
const isFree = async () => true

describe('choosing a port', () => {
  it('takes the first wanted one that is free', async () => {
    const port = await choosePort({
      wanted: [9092, 9192],
      taken: none,
      isFree: async (port) => port !== 9092,
    })
    expect(port).toBe(9192)
  })

  it('does not take a port that was just given to another server', async () => {
    expect(await choosePort({ wanted: [9092, 9192], taken: new Set([9092]), isFree })).toBe(9192)
  })

  it('takes any other when no wanted one is free', async () => {
    const port = await choosePort({ wanted: [9092], taken: none, isFree: async (port) => port !== 9092 })
    expect(port).toBeGreaterThanOrEqual(20_000)
    expect(port).toBeLessThan(32_000)
  })

  it('fails when nothing is free', async () => {
    const full = choosePort({ wanted: [], taken: none, isFree: async () => false })
    await expect(full).rejects.toMatchObject({ code: 'port-taken' })
  })
})
