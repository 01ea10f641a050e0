import { describe, expect, it } from '@jest/globals'
import { publishedBytes } from '../src/published-bytes.ts'

describe('the bytes of an event on Kafka', () => {
  const bytes = Buffer.alloc(100)

  it('are more than its value, whatever its headers', () => {
    expect(publishedBytes({ bytes })).toBeGreaterThan(1_000)
  })

  it('count metadata by its bytes, names included', () => {
    const metadata = { campaign: 'ü'.repeat(200), source2: 'x' }
    const more = publishedBytes({ bytes, metadata }) - publishedBytes({ bytes })
    expect(more).toBeGreaterThanOrEqual('ce_campaign'.length + 400 + 'ce_source2'.length + 1)
  })
})
