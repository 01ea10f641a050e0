import { inputsOf } from '../../../test/support/bad-inputs/bad-input.ts'
import { bearBadInputs } from '../../../test/support/bad-inputs/bear-bad-inputs.ts'
import { bearCrowds } from '../../../test/support/bad-inputs/bear-crowds.ts'
import { makeTokens } from '../../../test/support/bad-inputs/tokens.ts'
import { startOwnServer } from '../../../test/support/own-server.ts'
import { badReads } from './bad-reads.ts'
import { badAppends, badCommands, badHeartbeats, headersWith, placeText } from './bad-requests.ts'

const target = {
  tokens: await makeTokens(),
  read: { path: '/streams/$all', scope: 'streams:read' },
  write: {
    path: '/orders/bad-1/place',
    scope: 'orders:write',
    headers: headersWith(),
    body: placeText,
  },
}

bearBadInputs({
  name: 'command-api',
  target,
  own: inputsOf({ ...badCommands, ...badAppends, ...badHeartbeats, ...badReads }),
  startKafka: () => startOwnServer('kafka'),
  env: { TICK_EVERY_MS: '0' },
})

bearCrowds({ name: 'command-api', target })
