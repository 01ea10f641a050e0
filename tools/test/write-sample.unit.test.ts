import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { sampleOf } from '../write-sample.ts'

type Sample = ReturnType<typeof sampleOf>

const readSample = (name: string): Sample => {
  const url = new URL(`../../libs/events/test/samples/${name}`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as Sample
}

describe('a new sample', () => {
  it.each(['OrderPlaced.v1.json', 'OrderShipped.v1.json', 'ProductRetired.v1.json'])(
    'is what %s was when it was new',
    (name) => {
      const { type, data, avroHex, writerSchema } = readSample(name)
      expect(sampleOf(type, data)).toMatchObject({ type, data, avroHex })
      expect(JSON.stringify(sampleOf(type, data).writerSchema)).toBe(JSON.stringify(writerSchema))
    },
  )

  it('is not made of data that does not fit', () => {
    expect(() => sampleOf('OrderDelivered', {})).toThrow('data.customerId does not fit')
    expect(() => sampleOf('OrderEaten', {})).toThrow('there is no event "OrderEaten"')
  })
})
