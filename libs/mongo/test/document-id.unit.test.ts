import { describe, expect, it } from '@jest/globals'
import {
  documentId,
  documentOfPartial,
  idsBehindPartials,
  idsOfPartials,
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
