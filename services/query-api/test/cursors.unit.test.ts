import { describe, expect, it } from '@jest/globals'
import { createTokenSigner, ProblemError } from '@millrace/runtime'
import { makeCursors } from '../src/list-query.ts'

const signer = createTokenSigner('s'.repeat(32))
const cursors = makeCursors(signer)
const list = { shape: 'orders', conditions: [], sort: undefined, limit: 5 }
const end = { value: null, id: 'acme/o-1' }
const cursor = cursors.next('acme', list, { id: end.id, fields: {} })

const refusalOf = (read: () => unknown): unknown => {
  try {
    return read()
  } catch (error) {
    return error instanceof ProblemError ? error.problem.status : error
  }
}

describe('a cursor', () => {
  it('is good for the tenant and the list that it was given for', () => {
    expect(cursors.parse('acme', 'orders', cursor)).toEqual(end)
    expect(cursors.parse('acme', 'orders', undefined)).toBeUndefined()
  })

  it.each([
    ['another tenant', 'other', 'orders'],
    ['another list', 'acme', 'processes'],
    ['a tenant and a list run together', 'acmeorders', ''],
  ])('is refused for %s', (_, tenant, shape) => {
    expect(refusalOf(() => cursors.parse(tenant, shape, cursor))).toBe(400)
  })

  it.each([
    { value: { $gt: '' }, id: 'acme/o-1' },
    { value: null, id: { $gt: '' } },
    { value: [1], id: 'x' },
  ])('that holds an operator is refused, even if it was signed by us: %j', (content) => {
    const forged = signer.sign({ purpose: 'cursor orders', tenant: 'acme' }, content)
    expect(refusalOf(() => cursors.parse('acme', 'orders', forged))).toBe(400)
  })
})
