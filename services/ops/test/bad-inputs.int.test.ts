import { inputsOf } from '../../../test/support/bad-inputs/bad-input.ts'
import { bearBadInputs } from '../../../test/support/bad-inputs/bear-bad-inputs.ts'
import { bearCrowds } from '../../../test/support/bad-inputs/bear-crowds.ts'
import { makeTokens } from '../../../test/support/bad-inputs/tokens.ts'
import { badOperations } from './bad-operations.ts'

const target = {
  tokens: await makeTokens(),
  read: { path: '/projections', scope: 'ops:read' },
  write: {
    path: '/projections',
    scope: 'ops:write',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"order-summary"}',
  },
}

bearBadInputs({ name: 'ops', target, own: inputsOf(badOperations), env: { CHECK_EVERY_MS: '0' } })

bearCrowds({ name: 'ops', target })
