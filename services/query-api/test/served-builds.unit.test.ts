import { describe, expect, it } from '@jest/globals'
import { orderSummary } from '@millrace/domain'
import { readServed, type Served, type ServedBuilds } from '../src/served-builds.ts'

const served = (build: string, isCurrent: () => boolean): Served => ({
  projection: orderSummary,
  build,
  isCurrent,
})

const steady: ServedBuilds = { of: async () => served('order-summary.v1', () => true) }

/** Serves the first build, which is switched away from as soon as it was given, and then the second. */
const switching = (): ServedBuilds => {
  const builds = [served('order-summary.v1', () => false), served('order-summary.v2', () => true)]
  return { of: async () => builds.shift() ?? served('order-summary.v2', () => true) }
}

describe('a read', () => {
  it('is of the build that is served', async () => {
    const read = async ({ build, projection }: Served) => [build, projection.name]
    expect(await readServed(steady, 'order-summary', read)).toEqual(['order-summary.v1', 'order-summary'])
  })

  it('is done again, all of it, when another build is served before it is done', async () => {
    const seen: string[] = []
    const answer = await readServed(switching(), 'order-summary', async ({ build }) => {
      seen.push(build)
      return build
    })
    expect([answer, seen]).toEqual(['order-summary.v2', ['order-summary.v1', 'order-summary.v2']])
  })

  it('that fails in a build that is served no more has not failed yet', async () => {
    const read = ({ build }: Served): Promise<string> =>
      build === 'order-summary.v1' ? Promise.reject(new Error('dropped')) : Promise.resolve(build)
    expect(await readServed(switching(), 'order-summary', read)).toBe('order-summary.v2')
  })

  it('that fails in the build that is served has failed', async () => {
    const read = () => Promise.reject(new Error('no such document'))
    await expect(readServed(steady, 'order-summary', read)).rejects.toThrow('no such document')
  })

  it('whose lease ran out is good when the same build is served still', async () => {
    let [reads, leases] = [0, 0]
    const builds = { of: async () => served('order-summary.v1', () => (leases += 1) > 9) }
    expect(await readServed(builds, 'order-summary', async () => (reads += 1))).toBe(1)
  })

  it('ends when nothing stays served', async () => {
    let [reads, builtSoFar] = [0, 0]
    const builds = { of: async () => served(`order-summary.v${(builtSoFar += 1)}`, () => false) }
    const read = async () => (reads += 1)
    await expect(readServed(builds, 'order-summary', read)).rejects.toMatchObject({
      problem: { status: 503, headers: { 'retry-after': '1' } },
    })
    expect(reads).toBe(5)
  })
})
