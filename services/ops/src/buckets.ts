/** A share of the documents, by a hash of their keys. */
export type Bucket = { readonly of: number; has(key: string): boolean }

/** Documents that are folded at a time have so many bytes, about, as BSON; as objects some times that. */
const BYTES_AT_A_TIME = 32 * 1024 * 1024
/** Part of a sample: enough to meet a fault of the fold, which seldom comes alone. */
const SAMPLE = 16

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
export const hashOf = (key: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < key.length; index++)
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x01000193) >>> 0
  return hash
}

export const bucketOf = (number: number, of: number): Bucket => ({
  of,
  has: (key) => hashOf(key) % of === number,
})

/** All of them, or the bucket that is next: number 7 of 16, and after the last one the first. */
export type KeysToCheck = 'all' | { readonly bucket: number }

/** None holds more than fits in memory. */
export const planBuckets = (bytes: number, keys: KeysToCheck): Bucket[] => {
  const needed = Math.max(1, Math.ceil(bytes / BYTES_AT_A_TIME))
  if (keys === 'all') return Array.from({ length: needed }, (_, number) => bucketOf(number, needed))
  const of = Math.max(needed, SAMPLE)
  return [bucketOf(keys.bucket % of, of)]
}
