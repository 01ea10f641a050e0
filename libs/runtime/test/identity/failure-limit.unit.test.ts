import { describe, expect, it } from '@jest/globals'
import { makeFailureLimit } from '../../src/identity/failure-limit.ts'

const limitAt = (startMs = 1_000_000) => {
  let nowMs = startMs
  // Three at once, then one every ten seconds.
  const limit = makeFailureLimit({ burst: 3, perMinute: 6, now: () => nowMs })
  const fail = (times: number, address?: string): void => {
    for (let time = 0; time < times; time += 1) limit.count(address)
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { limit, fail, pass }
}

describe('failures of an address', () => {
  it('are free up to the burst, then it waits for one to be forgiven', () => {
    const { limit, fail, pass } = limitAt()
    fail(2, 'a')
    expect(limit.waitMs('a')).toBe(0)
    fail(1, 'a')
    expect(limit.waitMs('a')).toBe(10_000)
    pass(9_999)
    expect(limit.waitMs('a')).toBe(1)
    pass(1)
    expect(limit.waitMs('a')).toBe(0)
    fail(1, 'a')
    expect(limit.waitMs('a')).toBe(10_000)
  })

  it('are all forgiven after a while', () => {
    const { limit, fail, pass } = limitAt()
    fail(3, 'a')
    pass(30_000)
    fail(2, 'a')
    expect(limit.waitMs('a')).toBe(0)
  })

  it('never cost more than one wait, however many were under way at the same time', () => {
    const { limit, fail } = limitAt()
    fail(1_000, 'a')
    expect(limit.waitMs('a')).toBe(10_000)
  })

  it('that were none after all are taken back, one at a time', () => {
    const { limit, fail } = limitAt()
    fail(3, 'a')
    limit.forgive('a')
    limit.forgive('b')
    expect(limit.waitMs('a')).toBe(0)
    fail(1, 'a')
    expect(limit.waitMs('a')).toBe(10_000)
  })

  it('are not those of another', () => {
    const { limit, fail } = limitAt()
    fail(3, '203.0.113.1')
    expect(['203.0.113.1', '203.0.113.2', '2001:db8::1', undefined].map(limit.waitMs)).toEqual([
      10_000, 0, 0, 0,
    ])
  })

  it.each([
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2', 'the same /64'],
    ['2001:db8::1', '2001:db8:0:0:9::', 'the same /64, written otherwise'],
    ['::1', '::2', 'the same /64 of zeros'],
    ['203.0.113.1', '::ffff:203.0.113.1', 'the same IPv4 on a socket of both kinds'],
    ['fe80::1%eth0', 'fe80::2%eth1', 'the same link'],
  ])('%s counts for %s: %s', (one, other) => {
    const { limit, fail } = limitAt()
    fail(3, one)
    expect(limit.waitMs(other)).toBe(10_000)
  })

  it.each([
    ['2001:db8:0:1::1', '2001:db8:0:2::1'],
    ['2001:db8::1', '2001:db9::1'],
    ['203.0.113.1', '::ffff:203.0.113.2'],
    ['::1', '1::'],
  ])('%s does not count for %s', (one, other) => {
    const { limit, fail } = limitAt()
    fail(3, one)
    expect([limit.waitMs(one), limit.waitMs(other)]).toEqual([10_000, 0])
  })

  it('are remembered of some 10,000 addresses: those that failed last', () => {
    const { limit, fail } = limitAt()
    fail(3, 'first')
    for (let at = 0; at < 10_000; at += 1) fail(3, `10.0.${at >> 8}.${at & 255}`)
    expect([limit.waitMs('first'), limit.waitMs('10.0.0.0'), limit.waitMs('10.0.39.15')]).toEqual([
      0, 10_000, 10_000,
    ])
  })
})
