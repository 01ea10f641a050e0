import { inputsOf } from '../../../test/support/bad-inputs/bad-input.ts'
import { bearBadInputs } from '../../../test/support/bad-inputs/bear-bad-inputs.ts'
import { bearCrowds } from '../../../test/support/bad-inputs/bear-crowds.ts'
import { makeTokens } from '../../../test/support/bad-inputs/tokens.ts'
import { badReads } from './bad-queries.ts'

const target = {
  tokens: await makeTokens(),
  read: { path: '/read-models/order-summary', scope: 'read-models:read' },
}

bearBadInputs({
  name: 'query-api',
  target,
  own: inputsOf(badReads),
})

bearCrowds({ name: 'query-api', target })
