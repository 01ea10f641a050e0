import { describe, expect, it } from '@jest/globals'
import { createTokenSigner, ProblemError } from '@millrace/runtime'
import { z } from 'zod'
import { makeCursors, type CursorScope } from '../src/cursors.ts'

const signer = createTokenSigner('s'.repeat(32))
const place = z.object({ value: z.union([z.string(), z.number(), z.null()]), id: z.string() })
const cursors = makeCursors(signer, place)
const own: CursorScope = { tenant: 'acme', kind: 'list', shape: 'orders' }
const end = { value: null, id: 'acme/o-1' }
const cursor = cursors.next(own, 'orders.v1', end)

const refusalOf = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    return error instanceof ProblemError ? error.problem.status : error
  }
}

describe('a cursor', () => {
  it('is good for the tenant and the list that it was given for', () => {
    expect(cursors.open(own, cursor)?.placeIn('orders.v1')).toEqual(end)
    expect(cursors.open(own, undefined)).toBeUndefined()
  })

  it.each([
    ['another tenant', { ...own, tenant: 'other' }],
    ['another list', { ...own, shape: 'processes' }],
    ['another kind of answer', { ...own, kind: 'why' }],
    ['a kind and a shape run together', { ...own, kind: 'list orders', shape: '' }],
  ])('is refused for %s', (_, scope) => {
    expect(refusalOf(() => cursors.open(scope, cursor))).toBe(400)
  })

  it('of a build that is served no more is gone', () => {
    expect(refusalOf(() => cursors.open(own, cursor)?.placeIn('orders.v1.1'))).toBe(410)
  })

  it.each([
    { value: { $gt: '' }, id: 'acme/o-1' },
    { value: null, id: { $gt: '' } },
    { value: [1], id: 'x' },
  ])('that holds an operator is refused, even if it was signed by us: %j', (content) => {
    const forged = signer.sign(
      { purpose: 'cursor list orders', tenant: 'acme' },
      { build: 'orders.v1', place: content },
    )
    expect(refusalOf(() => cursors.open(own, forged))).toBe(400)
  })
})
