import { describe, expect, it } from '@jest/globals'
import { positionTokens } from '../src/position-token.ts'
import { createTokenSigner } from '../src/signed-token.ts'

const signer = createTokenSigner('s'.repeat(32))
const tokens = positionTokens(signer)

describe('a position', () => {
  it('names its commit to the tenant that it was given to, and to no other', () => {
    const token = tokens.of('acme', 'c-1')
    expect(tokens.read('acme', token)).toBe('c-1')
    for (const tenant of ['other', '', 'Acme', 'acme ']) expect(tokens.read(tenant, token)).toBeUndefined()
  })

  it.each([{ commit: { $gt: '' } }, { commit: 7 }, {}, null, 'c-1'])(
    'that names no commit is none, even if it was signed by us: %j',
    (content) => {
      const forged = signer.sign({ purpose: 'position', tenant: 'acme' }, content)
      expect(tokens.read('acme', forged)).toBeUndefined()
    },
  )
})
