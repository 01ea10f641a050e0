const SEED = 0x9747b28c
const MIX = 0x5bd1e995
const TO_POSITIVE = 0x7fffffff

const tailOf = (data: Buffer, length: number): number => {
  const start = length & ~3
  let tail = 0
  for (let index = length - 1; index >= start; index -= 1) tail = (tail << 8) | data.readUInt8(index)
  return tail
}

const murmur2 = (data: Buffer): number => {
  const length = data.length
  let hash = SEED ^ length
  for (let index = 0; index + 4 <= length; index += 4) {
    let block = Math.imul(data.readInt32LE(index), MIX)
    block = Math.imul(block ^ (block >>> 24), MIX)
    hash = Math.imul(hash, MIX) ^ block
  }
  if ((length & 3) > 0) hash = Math.imul(hash ^ tailOf(data, length), MIX)
  hash = Math.imul(hash ^ (hash >>> 13), MIX)
  return hash ^ (hash >>> 15)
}

/** The partition that Java's default partitioner, and kafkajs's, choose for a key: murmur2 over its UTF-8 bytes. */
export const partitionFor = (key: string, partitionCount: number): number =>
  (murmur2(Buffer.from(key)) & TO_POSITIVE) % partitionCount
