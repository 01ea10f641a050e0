import { describe, expect, it } from '@jest/globals'
import { positionTokens, type Position } from '../src/position-token.ts'
import { createTokenSigner } from '../src/signed-token.ts'

const signer = createTokenSigner('s'.repeat(32))
const tokens = positionTokens(signer)

describe('a position', () => {
  it.each<Position>([
    { commit: 'c-1' },
    { topic: 'heartbeat.received', offsets: { 0: 0, 2: 9_007_199_254_740_991 } },
  ])('names what was written to the tenant that it was given to, and to no other: %j', (position) => {
    const token = tokens.of('acme', position)
    expect(tokens.read('acme', token)).toEqual(position)
    for (const tenant of ['other', '', 'Acme', 'acme ']) expect(tokens.read(tenant, token)).toBeUndefined()
  })

  it.each([
    ...[{ commit: { $gt: '' } }, { commit: 7 }, {}, null, 'c-1'],
    ...[{ topic: 'a' }, { topic: 'a', offsets: { 0: -1 } }, { topic: 'a', offsets: { x: 1 } }],
    ...[
      { topic: 'a', offsets: { 0: 1.5 } },
      { commit: 'c-1', topic: 'a', offsets: {} },
    ],
  ])('that names nothing written is none, even if it was signed by us: %j', (content) => {
    const forged = signer.sign({ purpose: 'position', tenant: 'acme' }, content)
    expect(tokens.read('acme', forged)).toBeUndefined()
  })
})
