import { describe, expect, it } from '@jest/globals'
import type { Aggregate, AggregateRef } from '@millrace/aggregates'
import { contexts } from '@millrace/domain'
import { makeStateCache } from '../src/state-cache.ts'

const [context] = contexts
const refOf = (id: string, tenant = 'demo'): AggregateRef => {
  if (!context) throw new Error('no context')
  return { tenant, context, id }
}
const aggregate = (version: number, text = ''): Aggregate => ({
  version,
  order: version,
  lastCommitId: `c-${version}`,
  state: { text },
})

describe('the state cache', () => {
  it('gives back what it was given last, per tenant', () => {
    const cache = makeStateCache(100_000)
    cache.set(refOf('a'), aggregate(1))
    cache.set(refOf('a'), aggregate(2))
    cache.set(refOf('a', 'other'), aggregate(7))
    expect([cache.get(refOf('a'))?.version, cache.get(refOf('a', 'other'))?.version]).toEqual([2, 7])
    expect(cache.get(refOf('b'))).toBeUndefined()
  })

  it('holds as many states as fit its bytes, and drops what was used least recently', () => {
    const cache = makeStateCache(25_000)
    const large = 'x'.repeat(4_000)
    for (const id of ['a', 'b']) cache.set(refOf(id), aggregate(1, large))
    cache.get(refOf('a'))
    for (const id of ['c', 'd']) cache.set(refOf(id), aggregate(1, large))
    expect(['a', 'b', 'c', 'd'].map((id) => cache.get(refOf(id)) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
    ])
    const roomy = makeStateCache(27_000)
    for (const id of ['a', 'b']) roomy.set(refOf(id), aggregate(1, large))
    roomy.get(refOf('a'))
    for (const id of ['c', 'd']) roomy.set(refOf(id), aggregate(1, large))
    expect(['a', 'b', 'c', 'd'].map((id) => roomy.get(refOf(id)) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ])
  })

  it('does not keep a state that is larger than all of it', () => {
    const cache = makeStateCache(1_000)
    cache.set(refOf('a'), aggregate(1, 'x'.repeat(4_000)))
    expect(cache.get(refOf('a'))).toBeUndefined()
  })
})
