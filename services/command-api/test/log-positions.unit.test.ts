import { describe, expect, it } from '@jest/globals'
import { createTokenSigner, ProblemError } from '@millrace/runtime'
import { logPositions } from '../src/http/streams/log-positions.ts'
import { everything, findCategory, findTypeStream, type LogScope } from '../src/http/streams/log-scope.ts'

const signer = createTokenSigner('s'.repeat(32))
const positions = logPositions(signer)
const AFTER = { 'orders.order.events/0': 12, 'orders.order.events/5': 0 }

const known = (scope: LogScope | undefined): LogScope => {
  if (!scope) throw new Error('no such scope')
  return scope
}
const scopes: readonly LogScope[] = [
  everything(),
  known(findCategory('orders.order')),
  known(findCategory('catalog.product')),
  known(findTypeStream('OrderPlaced')),
  known(findTypeStream('OrderPaid')),
]

const refusalOf = (tenant: string, scope: LogScope, token: string): unknown => {
  try {
    return positions.read(tenant, scope, token)
  } catch (error) {
    return error instanceof ProblemError ? error.problem.type : error
  }
}

describe('a log position', () => {
  it('comes back as it was given, and is the beginning where none is given', () => {
    for (const scope of scopes) {
      expect(positions.read('demo', scope, positions.of('demo', scope, AFTER))).toEqual(AFTER)
      expect(positions.read('demo', scope, undefined)).toEqual({})
    }
  })

  it('of one log is refused by every other one', () => {
    for (const scope of scopes) {
      const token = positions.of('demo', scope, AFTER)
      for (const other of scopes.filter((candidate) => candidate !== scope)) {
        expect(refusalOf('demo', other, token)).toBe('bad-request')
      }
    }
  })

  it('of another tenant is refused', () => {
    for (const scope of scopes) {
      expect(refusalOf('other', scope, positions.of('demo', scope, AFTER))).toBe('bad-request')
    }
  })

  it.each(['', 'garbage', '0', '1', 'null', Buffer.from('{"after":{}}').toString('base64url')])(
    'that nobody gave is refused: "%s"',
    (token) => {
      expect(refusalOf('demo', everything(), token)).toBe('bad-request')
    },
  )

  it.each([
    {},
    { after: { 'orders.order.events/0': -1 } },
    { after: { a: 1.5 } },
    { after: {}, more: 1 },
    null,
  ])('that is ours and holds something else is refused: %j', (content) => {
    const token = signer.sign({ purpose: 'log position $all', tenant: 'demo' }, content)
    expect(refusalOf('demo', everything(), token)).toBe('bad-request')
  })

  it('of a commit is refused', () => {
    const token = signer.sign({ purpose: 'position', tenant: 'demo' }, { commit: 'c-1' })
    expect(refusalOf('demo', everything(), token)).toBe('bad-request')
  })
})
