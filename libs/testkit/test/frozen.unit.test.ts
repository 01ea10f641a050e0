import { describe, expect, it } from '@jest/globals'
import { frozen } from '@millrace/testkit'

describe('frozen', () => {
  it('freezes all the way down', () => {
    const value = frozen({ list: [{ count: 0 }] })
    expect(() => value.list.push({ count: 1 })).toThrow(TypeError)
    expect(() => Object.assign(value.list[0] ?? {}, { count: 1 })).toThrow(TypeError)
  })

  it('lets plain values be', () => expect([frozen(1), frozen(null), frozen('a')]).toEqual([1, null, 'a']))
})
