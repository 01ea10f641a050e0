import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  documentId,
  documentOfPartial,
  idsBehindPartials,
  idsOfPartials,
  idsOfPrefix,
  keyOfPartial,
  partialId,
  placeOfPartial,
} from '../src/document-id.ts'
import { toFilter, type Comparison } from '../src/filters.ts'

const place = { topic: 'orders.order.events', partition: 11 }
const idOf = (key: string, part: string): string => partialId({ tenant: 'demo', key, part, ...place })
const boundsOf = (comparison: Comparison) =>
  toFilter({ _id: comparison })['_id'] as { $gt: string; $gte: string; $lt: string }

describe('the id of a partial', () => {
  it.each(['', '2026-05'])('says which document it is of, and where it comes from (part "%s")', (part) => {
    const id = idOf('o-17', part)
    expect(documentOfPartial(id)).toBe(documentId({ tenant: 'demo', key: 'o-17' }))
    expect(keyOfPartial(id, 'demo')).toBe('o-17')
    expect(placeOfPartial(id)).toBe('orders.order.events/11')
  })

  it.each(['', 'o/17'])('is refused for the key "%s", which could not be told from its part', (key) => {
    expect(() => idOf(key, '')).toThrow(TypeError)
  })

  it('lies within the bounds of its document alone, whose list goes on with what is behind them', () => {
    const keys = ['o', 'o-', 'o-0', 'o-1', 'o-1-1', 'o-1.1', 'o-10', 'o-1a', 'o-2']
    const ids = keys.flatMap((key) => [idOf(key, ''), idOf(key, '2026-05'), idOf(key, 'z')]).sort()
    const document = documentId({ tenant: 'demo', key: 'o-1' })
    const { $gt: above, $lt: below } = boundsOf(idsOfPartials(document))
    const own = ids.filter((id) => id > above && id < below)
    expect(own).toEqual(ids.filter((id) => documentOfPartial(id) === document))
    const { $gte: behind } = boundsOf(idsBehindPartials(document))
    expect(ids.filter((id) => id >= behind)).toEqual(ids.slice(ids.indexOf(own.at(-1) ?? '') + 1))
  })
})

describe('the ids of a prefix', () => {
  const LAST = '\u{10ffff}'
  const awkward = [
    '',
    '/',
    '.',
    '$',
    '*',
    '\ud7ff',
    '\ue000',
    '\uffff',
    '\u{10000}',
    LAST,
    LAST + LAST,
    'ä',
    '€',
  ]
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 3 }),
    fc.array(fc.constantFrom(...awkward, 'a', 'b', '0'), { maxLength: 4 }).map((parts) => parts.join('')),
  )

  /** As MongoDB compares. */
  const compare = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other))

  it('are those of the keys that begin with it, and no other ones, in the order of UTF-8', () => {
    fc.assert(
      fc.property(text, text, (prefix, key) => {
        const { $gte: first, $lt: behind } = boundsOf(idsOfPrefix({ tenant: 'demo', key: prefix }))
        for (const one of [key, prefix + key, key + prefix]) {
          const id = documentId({ tenant: 'demo', key: one })
          const isWithin = compare(id, first) >= 0 && compare(id, behind) < 0
          expect([prefix, one, isWithin]).toEqual([prefix, one, one.startsWith(prefix)])
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('are of its tenant alone, whatever the prefix is', () => {
    fc.assert(
      fc.property(text, text, (prefix, key) => {
        const { $gte: first, $lt: behind } = boundsOf(idsOfPrefix({ tenant: 'demo', key: prefix }))
        for (const tenant of ['dem', 'demo.', 'demo0', 'demp', 'demo-']) {
          const id = documentId({ tenant, key })
          expect([prefix, id, compare(id, first) >= 0 && compare(id, behind) < 0]).toEqual([
            prefix,
            id,
            false,
          ])
        }
      }),
    )
  })
})
