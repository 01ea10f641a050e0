import { describe, expect, it } from '@jest/globals'
import { kafkajs } from '../src/kafkajs-shim.ts'
import { partitionFor } from '../src/partition-for.ts'

// From org.apache.kafka.common.utils.Utils of Kafka 4.3.1: toPositive(murmur2(utf8)) modulo 6 and modulo 1000.
const java: readonly (readonly [string, number, number])[] = [
  ['', 3, 681],
  ['a', 4, 524],
  ['21', 0, 340],
  ['abc', 3, 107],
  ['foobar', 0, 166],
  ['a-little-bit-long-string', 2, 112],
  ['a-little-bit-longer-string', 5, 819],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 5, 677],
  ['demo/o-17', 3, 3],
  ['demo/größe-€-日本', 1, 483],
]

describe('partitionFor', () => {
  it.each(java)('puts %j where Java does', (key, ofSix, ofThousand) => {
    expect(partitionFor(key, 6)).toBe(ofSix)
    expect(partitionFor(key, 1000)).toBe(ofThousand)
  })

  it('agrees with the default partitioner of kafkajs', () => {
    const partitioner = kafkajs.Partitioners.DefaultPartitioner()
    const partitionMetadata = Array.from({ length: 12 }, (_, partitionId) => ({
      partitionId,
      leader: 1,
      partitionErrorCode: 0,
      replicas: [1],
      isr: [1],
    }))
    for (let index = 0; index < 2_000; index += 1) {
      const key = `tenant-${index % 7}/order-${index * 7919}`
      const expected = partitioner({ topic: 't', partitionMetadata, message: { key, value: null } })
      expect(partitionFor(key, 12)).toBe(expected)
    }
  })
})
