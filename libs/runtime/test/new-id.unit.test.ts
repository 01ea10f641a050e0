import { describe, expect, it } from '@jest/globals'
import { newId } from '../src/new-id.ts'

describe('a new id', () => {
  it('is a UUIDv7 of this moment', () => {
    const before = Date.now()
    const id = newId()
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const ms = parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(ms).toBeGreaterThanOrEqual(before)
    expect(ms).toBeLessThanOrEqual(Date.now())
  })

  it('is never given twice, also when the random bytes are drawn anew', () => {
    expect(new Set(Array.from({ length: 20_000 }, newId)).size).toBe(20_000)
  })
})
